"""A receiver of webhooks that verifies each, and works on each event once:

    python3 docs/clients/python/webhooks.py [PORT]

With TURNPIKE_WEBHOOK_SECRET (whsec_...; two with a space between while you rotate) it only receives, as in production.
Without, it registers http://127.0.0.1:PORT/ as an endpoint of your merchant first, and deletes that when you end it.
"""

import os
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from turnpike import Turnpike, WebhookRefused, verify_webhook

BODY_MAX = 1 << 20
ENDS = {signal.SIGINT, signal.SIGTERM}
port = int(sys.argv[1]) if len(sys.argv) > 1 else 3000
url = f"http://127.0.0.1:{port}/"
seen = set()  # in production a table with a unique column, written in the transaction that does the work
lock = threading.Lock()
secrets = os.environ.get("TURNPIKE_WEBHOOK_SECRET", "").split()


def work(event):
    print(f"{event['type']}: {event['data'].get('id', '')} {event['data'].get('status', '')}".rstrip(), flush=True)


def receive(raw_body, headers):
    """The status to answer with."""
    try:
        event = verify_webhook(raw_body, headers, secrets)
    except WebhookRefused as error:
        print(f"refused: {error}", flush=True)
        return 400
    with lock:
        if event["id"] in seen:  # your first answer was lost: say yes, do nothing
            print(f"again: {event['id']}", flush=True)
            return 204
        seen.add(event["id"])
    work(event)
    return 204


class Handler(BaseHTTPRequestHandler):
    timeout = 20

    def do_POST(self):
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > BODY_MAX:
            self.close_connection = True
            return self.send_error(413)
        self.send_response(receive(self.rfile.read(int(length)), self.headers))
        self.end_headers()

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = False  # what is begun is finished before the program ends


signal.pthread_sigmask(signal.SIG_BLOCK, ENDS)  # before there are threads: sigwait below takes them
try:
    server = Server(("127.0.0.1", port), Handler)
except OSError as error:
    sys.exit(f"cannot listen on port {port} ({error.strerror}); name another: python3 docs/clients/python/webhooks.py PORT")
threading.Thread(target=server.serve_forever, daemon=True).start()
turnpike, endpoint = None, None
if not secrets:
    turnpike = Turnpike.from_environment()
    for left in turnpike.request("GET", "/v1/webhook-endpoints")["data"]:  # by a run that was killed
        if left["url"] == url:
            turnpike.request("DELETE", f"/v1/webhook-endpoints/{left['id']}")
    endpoint = turnpike.request("POST", "/v1/webhook-endpoints", {"url": url})
    secrets = [endpoint["secret"]]
print(f"receiving at {url}; Ctrl-C ends it", flush=True)
signal.sigwait(ENDS)
server.shutdown()
server.server_close()
if endpoint:
    turnpike.request("DELETE", f"/v1/webhook-endpoints/{endpoint['id']}")
