"""A real Keystone on loopback, with a deployment of its own in a folder: SQLite, Fernet keys, and what tests need in it.

    identity.py FOLDER [PORT]

It serves HTTP on PORT, or a free one, and for each folder tls-NAME of FOLDER, with cert.pem and key.pem, HTTPS on a free one. A folder
that was used before is served as it is. In the folder it writes

    ready.json       {"port": …, "tls": {"tls-NAME": …}}, once it serves
    fixture.json     ids by name: {"projects": {…}, "users": {…}}
    requests.jsonl   a line for each request: {"method", "path", "query", "status", "subject": the SHA-256 of X-Subject-Token}

and it reads faults.json before each request to /v3/auth/tokens: {"status": 500} answers so, {"hold": true} waits until the file says
otherwise, {"close": 3} ends three connections without an answer. POST /test/token with {"user", "project", "domain", "system", "seconds"} has Keystone issue a token that ends so many
seconds from now, or has ended already.
"""

import datetime
import hashlib
import json
import os
import pathlib
import socket
import sys
import threading
import time
import warnings

warnings.simplefilter("ignore")

folder = pathlib.Path(sys.argv[1])
wanted_port = int(sys.argv[2]) if len(sys.argv) > 2 else 0
# Keystone reads the command line too.
sys.argv = sys.argv[:1]

PASSWORD = "secret"
CONFIGURATION = f"""
[DEFAULT]
log_file = {folder}/keystone.log
insecure_debug = true
[database]
connection = sqlite:///{folder}/keystone.db
[fernet_tokens]
key_repository = {folder}/fernet
[fernet_receipts]
key_repository = {folder}/receipts
[credential]
key_repository = {folder}/credential
[cache]
enabled = false
[identity]
password_hash_rounds = 4
[token]
allow_expired_window = 3600
"""

# Roles on projects, by user.
USERS = {
    "herald": [("service", "service")],
    "nova": [("service", "service")],
    "reader": [("reader", "alpha")],
    "member": [("member", "alpha"), ("member", "beta")],
    "boss": [("admin", "alpha")],
    "other": [("member", "beta")],
    "trustee": [("admin", "service")],
}


def prepare(configuration):
    """Makes the database, in a process of its own: what it loads must not be loaded twice."""
    import keystone.conf  # noqa: F401
    import keystone.server
    from keystone.cmd.bootstrap import Bootstrapper
    from keystone.common import sql
    from keystone.common.sql import upgrades

    keystone.server.configure(config_files=[configuration])
    sql.initialize()
    upgrades.offline_sync_database_to_version()
    bootstrap = Bootstrapper()
    bootstrap.admin_username = bootstrap.project_name = bootstrap.admin_role_name = "admin"
    bootstrap.admin_password = PASSWORD
    bootstrap.service_name, bootstrap.region_id = "keystone", "RegionOne"
    bootstrap.public_url = bootstrap.internal_url = bootstrap.admin_url = None
    bootstrap.immutable_roles = True
    bootstrap.bootstrap()


def fill():
    """Makes projects, users and roles, as an operator does."""
    from keystone.common import provider_api

    apis = provider_api.ProviderAPIs
    domain = "default"
    projects = {p["name"]: p["id"] for p in apis.resource_api.list_projects()}
    for name in ["service", "alpha", "beta"]:
        identifier = hashlib.md5(name.encode()).hexdigest()
        apis.resource_api.create_project(
            identifier,
            {"id": identifier, "name": name, "domain_id": domain, "enabled": True, "description": "", "is_domain": False, "parent_id": domain},
        )
        projects[name] = identifier
    roles = {r["name"]: r["id"] for r in apis.role_api.list_roles()}
    users = {u["name"]: u["id"] for u in apis.identity_api.list_users()}
    for name, grants in USERS.items():
        user = apis.identity_api.create_user({"name": name, "domain_id": domain, "enabled": True, "password": PASSWORD})
        users[name] = user["id"]
        for role, project in grants:
            apis.assignment_api.create_grant(roles[role], user_id=user["id"], project_id=projects[project])
    apis.assignment_api.create_grant(roles["reader"], user_id=users["member"], domain_id=domain)
    apis.assignment_api.create_system_grant_for_user(users["boss"], roles["admin"])
    write("fixture.json", {"projects": projects, "users": users})


def write(name, content):
    """Whole or not at all, for readers in other processes."""
    part = folder / f"{name}.part"
    part.write_text(json.dumps(content))
    part.rename(folder / name)


class Front:
    """What stands in front of Keystone: the faults, and the record of requests."""

    def __init__(self, application):
        self.application = application
        self.lock = threading.Lock()
        self.turn = threading.Lock()
        self.closed = 0

    def __call__(self, environ, start_response):
        path = environ["PATH_INFO"]
        if path == "/test/token":
            return self.issue(environ, start_response)
        status = self.fault() if path == "/v3/auth/tokens" else None
        if status == 0:
            self.note(environ, "0")
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            return []
        if status:
            self.note(environ, f"{status}")
            start_response(f"{status} Fault", [("Content-Length", "0")])
            return []

        def noted(line, headers, *rest):
            self.note(environ, line)
            return start_response(line, headers, *rest)

        # One at a time: SQLite refuses what comes at the same moment as a write.
        with self.turn:
            return list(self.application(environ, noted))

    def fault(self):
        """The status that is to be answered, 0 for none: the connection ends. None: there is no fault."""
        while True:
            try:
                fault = json.loads((folder / "faults.json").read_text())
            except FileNotFoundError:
                self.closed = 0
                return None
            if "close" in fault:
                self.closed += 1
                return 0 if self.closed <= fault["close"] else None
            if not fault.get("hold"):
                return fault.get("status")
            time.sleep(0.02)

    def note(self, environ, line):
        subject = environ.get("HTTP_X_SUBJECT_TOKEN")
        entry = {
            "method": environ["REQUEST_METHOD"],
            "path": environ["PATH_INFO"],
            "query": environ.get("QUERY_STRING", ""),
            "status": int(line.split()[0]),
            "subject": hashlib.sha256(subject.encode()).hexdigest() if subject else None,
        }
        with self.lock, open(folder / "requests.jsonl", "a") as file:
            file.write(json.dumps(entry) + "\n")

    def issue(self, environ, start_response):
        from keystone.common import provider_api

        wanted = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
        expires = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=wanted["seconds"])
        with self.turn:
            token = provider_api.ProviderAPIs.token_provider_api.issue_token(
                wanted["user"],
                ["password"],
                expires_at=expires.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
                project_id=wanted.get("project"),
                domain_id=wanted.get("domain"),
                system="all" if wanted.get("system") else None,
            )
        body = token.id.encode()
        start_response("201 CREATED", [("Content-Length", str(len(body)))])
        return [body]


def main():
    configuration = f"{folder}/keystone.conf"
    is_new = not (folder / "keystone.conf").exists()
    if is_new:
        (folder / "keystone.conf").write_text(CONFIGURATION)
    os.environ["OS_KEYSTONE_CONFIG_FILES"] = configuration
    if is_new:
        from keystone.common import fernet_utils

        for name, part in [("fernet_tokens", "fernet"), ("fernet_receipts", "receipts"), ("credential", "credential")]:
            (folder / part).mkdir(mode=0o700)
            fernet_utils.FernetUtils(str(folder / part), 3, name).initialize_key_repository()
        child = os.fork()
        if child == 0:
            try:
                prepare(configuration)
            except BaseException:
                import traceback

                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        if os.waitpid(child, 0)[1] != 0:
            sys.exit("Keystone's database was not made")

    from keystone.server import wsgi
    from werkzeug.serving import WSGIRequestHandler, make_server

    application = wsgi.initialize_public_application()
    if is_new:
        fill()

    class Handler(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"

        def log(self, *_):
            pass

    front = Front(application)
    plain = make_server("127.0.0.1", wanted_port, front, threaded=True, request_handler=Handler)
    ready = {"port": plain.server_port, "tls": {}}
    for own in folder.glob("tls-*"):
        files = (str(own / "cert.pem"), str(own / "key.pem"))
        secure = make_server("127.0.0.1", 0, front, threaded=True, request_handler=Handler, ssl_context=files)
        ready["tls"][own.name] = secure.server_port
        threading.Thread(target=secure.serve_forever, daemon=True).start()
    write("ready.json", ready)
    plain.serve_forever()


main()
