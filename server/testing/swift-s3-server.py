"""A whole OpenStack Swift in one process, for tests: its S3 API on a free port of 127.0.0.1.

    python3 swift-s3-server.py FOLDER ACCESS_KEY SECRET_KEY

Prints the port once it answers. The folder holds everything; it has to be on a file system with extended attributes. Access keys
are of the form ACCOUNT:USER. Ends with its parent.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

import eventlet  # noqa: E402

eventlet.monkey_patch()

from swift.common import utils  # noqa: E402

FOLDER, ACCESS_KEY, SECRET_KEY = sys.argv[1:4]
# Set before the modules that read it are imported.
utils.SWIFT_CONF_FILE = os.path.join(FOLDER, "swift.conf")

from eventlet import wsgi  # noqa: E402
from swift.common.http_protocol import SwiftHttpProtocol  # noqa: E402
from swift.common.ring import RingBuilder  # noqa: E402
from swift.common.wsgi import loadapp  # noqa: E402

HOST = "127.0.0.1"
# A busy machine must not turn into a listing that lacks an object.
PATIENCE = "node_timeout = 60\nconn_timeout = 10\ncontainer_update_timeout = 60\nrecoverable_node_timeout = 60\n"
PIPELINE = "catch_errors s3api tempauth bulk slo proxy-server"
FILTERS = """
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
# So that every listing of more than a few comes in pages.
max_bucket_listing = 3
max_upload_listing = 3
[filter:bulk]
use = egg:swift#bulk
[filter:slo]
use = egg:swift#slo
[filter:tempauth]
use = egg:swift#tempauth
"""


def write(name, text):
    file = os.path.join(FOLDER, name)
    with open(file, "w", encoding="ascii") as out:
        out.write(text)
    return file


def config(kind, pipeline, extra):
    return write(
        f"{kind}.conf",
        f"[DEFAULT]\nswift_dir = {FOLDER}\ndevices = {FOLDER}/devices\nmount_check = false\nfallocate_reserve = 0\n"
        f"disable_fallocate = true\nlog_level = ERROR\nlog_address = {FOLDER}/no-syslog\n"
        f"[pipeline:main]\npipeline = {pipeline}\n[app:{kind}-server]\nuse = egg:swift#{kind}\n{PATIENCE}{extra}",
    )


def write_ring(kind, port):
    # One partition on one device, a single copy.
    builder = RingBuilder(0, 1, 0)
    builder.add_dev(
        {"id": 0, "region": 1, "zone": 1, "ip": HOST, "port": port, "device": "disk", "weight": 1.0, "meta": ""}
    )
    builder.rebalance()
    builder.get_ring().save(os.path.join(FOLDER, f"{kind}.ring.gz"))


class NoCache:
    """In the place of memcached, which Swift insists on and can do without."""

    def get(self, *_, **__):
        return None

    def set(self, *_, **__):
        pass

    def delete(self, *_, **__):
        pass

    def incr(self, *_, **__):
        return 1


def serve(listener, file):
    loaded = loadapp(file)

    def app(environ, start_response):
        environ["swift.cache"] = NoCache()
        return loaded(environ, start_response)

    with open(os.devnull, "w", encoding="ascii") as quiet:
        wsgi.server(listener, app, quiet, protocol=SwiftHttpProtocol, capitalize_response_headers=False, debug=False)


def main():
    os.makedirs(os.path.join(FOLDER, "devices", "disk"))
    write("swift.conf", "[swift-hash]\nswift_hash_path_suffix = test\nswift_hash_path_prefix = test\n")
    account, user = ACCESS_KEY.split(":")
    for kind in ("account", "container", "object"):
        listener = eventlet.listen((HOST, 0))
        write_ring(kind, listener.getsockname()[1])
        eventlet.spawn(serve, listener, config(kind, f"{kind}-server", ""))
    users = f"{FILTERS}user_{account}_{user} = {SECRET_KEY} .admin\n"
    listener = eventlet.listen((HOST, 0))
    proxy = eventlet.spawn(serve, listener, config("proxy", PIPELINE, f"account_autocreate = true\n{users}"))
    print(listener.getsockname()[1], flush=True)
    proxy.wait()


main()
