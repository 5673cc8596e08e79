"""Posts 100 messages, one after the other, over one kept connection of requests: post_100.py URL"""
import sys

import requests

session = requests.Session()
created = 0
for _ in range(100):
    answer = session.post(
        f"{sys.argv[1]}/v2/queues/q/messages", data='{"messages": [{"body": 1}]}',
        headers={"Client-ID": "3381af92-2b9e-11e3-b191-71861300734c", "X-Project-Id": "python"}, timeout=20)
    created += answer.status_code == 201
pools = session.get_adapter("http://").poolmanager.pools
connections = sum(pools[key].num_connections for key in pools.keys())
print(f"created {created}, connections {connections}")
