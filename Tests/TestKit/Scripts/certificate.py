"""certificate.py FOLDER NAME DAYS: a certificate of its own authority that ends in DAYS, and its key."""
import datetime
import ipaddress
import os
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

folder, name, days = sys.argv[1], sys.argv[2], int(sys.argv[3])
key = ec.generate_private_key(ec.SECP256R1())
end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)
subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
names = [x509.DNSName(name)] + ([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))] if name == "localhost" else [])
certificate = (
    x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    .serial_number(x509.random_serial_number()).not_valid_before(end - datetime.timedelta(days=10)).not_valid_after(end)
    .add_extension(x509.SubjectAlternativeName(names), critical=False)
    .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    .sign(key, hashes.SHA256())
)
with open(os.path.join(folder, "key.pem"), "wb") as file:
    file.write(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
with open(os.path.join(folder, "cert.pem"), "wb") as file:
    file.write(certificate.public_bytes(serialization.Encoding.PEM))
