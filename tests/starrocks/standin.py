#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Starts the StarRocks stand-in; DIR/ports.json appears when it is ready."""

import argparse
import gc
import json
import os
import signal
import ssl
import sys
import threading
import warnings

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from stand_in.admin import Admin                    # noqa: E402
from stand_in.backend import Backend                # noqa: E402
from stand_in.cluster import Cluster                # noqa: E402
from stand_in.frontend import Frontend              # noqa: E402
from stand_in.http_server import HttpServer         # noqa: E402
from stand_in.mysql_front import MysqlFront         # noqa: E402
from stand_in.transaction_api import TransactionApi  # noqa: E402
from stand_in.version import Version                # noqa: E402


def content(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, metavar="DIR")
    parser.add_argument("--mysql-port", type=int, default=0)
    parser.add_argument("--fe-port", type=int, default=0)
    parser.add_argument("--be-ports", type=int, nargs="+", default=[0, 0])
    parser.add_argument("--fe-tls-port", type=int, default=0)
    parser.add_argument("--be-tls-ports", type=int, nargs="+", default=[])
    parser.add_argument("--follower-port", type=int,
                        help="a second frontend, which is not the leader")
    parser.add_argument("--admin-port", type=int, default=0)
    parser.add_argument("--user", action="append", default=[],
                        help="repeat for several; pairs with --password")
    parser.add_argument("--password", action="append", default=[])
    parser.add_argument("--password-file", dest="password", action="append",
                        type=content, help="not seen in a list of processes")
    parser.add_argument("--clear-user", action="append", default=[],
                        metavar="USER", help="signs in by clear text")
    parser.add_argument("--tls-cert")
    parser.add_argument("--tls-key")
    parser.add_argument("--tls-version", choices=["TLSv1_1", "TLSv1_2",
                                                  "TLSv1_3"],
                        help="speaks this version of TLS and no other")
    parser.add_argument("--tls-client-ca",
                        help="the https listeners want a client certificate")
    parser.add_argument("--mysql-client-ca",
                        help="the MySQL port wants a client certificate")
    parser.add_argument("--tls-required", action="store_true",
                        help="the MySQL port refuses clients without TLS")
    parser.add_argument("--no-mysql-tls", action="store_true",
                        help="the MySQL port offers no TLS")
    parser.add_argument("--redirect", default="http",
                        choices=["http", "https", "follow"],
                        help="http: as StarRocks; https: as a proxy that"
                        " rewrites Location; follow: as a proxy that follows")
    parser.add_argument("--be-host", default="127.0.0.1",
                        help="the host in redirects")
    parser.add_argument("--version", type=Version, default=Version("3.3.11"))
    parser.add_argument("--run-mode", default="shared_nothing",
                        choices=["shared_nothing", "shared_data"])
    parser.add_argument("--config", action="append", default=[],
                        metavar="NAME=JSON")
    return parser.parse_args()


def tls_context(options, client_ca=None):
    if not options.tls_cert:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options.tls_cert, options.tls_key)
    if options.tls_version:
        # Today's libraries need to be talked into the old versions.
        warnings.simplefilter("ignore", DeprecationWarning)
        context.maximum_version = context.minimum_version = \
            ssl.TLSVersion[options.tls_version]
        context.set_ciphers("ALL:@SECLEVEL=0")
    if client_ca:
        context.load_verify_locations(client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def mysql_tls(options):
    """The frontend's own TLS: 1.2 until 4.1."""
    if options.no_mysql_tls:
        return None
    context = tls_context(options, options.mysql_client_ca)
    if context and not options.tls_version \
       and not options.version.at_least(4, 1):
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


def add_users(cluster, options):
    passwords = options.password + [""] * len(options.user)
    for name, password in zip(options.user or ["root"], passwords or [""]):
        plugin = "clear" if name in options.clear_user else "native"
        cluster.users.put(name, password, plugin=plugin)


def start_http(cluster, options):
    """(frontend, ports)"""
    tls = tls_context(options, options.tls_client_ca)
    frontend = Frontend(cluster, options.redirect)
    frontend.transactions = TransactionApi(cluster)
    tls_ports = options.be_tls_ports + [0] * len(options.be_ports)
    for number, port in enumerate(options.be_ports):
        backend = Backend(cluster, number, options.be_host)
        backend.transactions = frontend.transactions
        backend.port = HttpServer(port, backend.handle,
                                  head_limit=65536).port
        if tls:
            backend.tls_port = HttpServer(tls_ports[number], backend.handle,
                                          tls, head_limit=65536).port
        cluster.backends.append(backend)
    frontend.port = HttpServer(options.fe_port, frontend.handle).port
    cluster.fe_port = frontend.port
    if tls:
        frontend.tls_port = HttpServer(options.fe_tls_port, frontend.handle,
                                       tls).port
    follower = Frontend(cluster, options.redirect, leader=frontend)
    if options.follower_port is not None:
        follower.port = HttpServer(options.follower_port,
                                   follower.handle).port
    admin = Admin(cluster, frontend)
    ports = {"fe": frontend.port, "fe_tls": frontend.tls_port,
             "follower": follower.port,
             "be": [b.port for b in cluster.backends],
             "be_tls": [b.tls_port for b in cluster.backends],
             "admin": HttpServer(options.admin_port, admin.handle).port}
    return frontend, ports


def write_ports(folder, ports):
    path = os.path.join(folder, "ports.json")
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump(ports, file)
    os.replace(path + ".new", path)


def main():
    options = arguments()
    # Millions of small rows and hardly a cycle: look for those rarely.
    gc.set_threshold(200000, 20, 20)
    os.makedirs(options.data, exist_ok=True)
    done = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: done.set())
    cluster = Cluster(options.data, options.version, options.run_mode)
    for pair in options.config:
        name, _, value = pair.partition("=")
        if name not in cluster.config:
            sys.exit("standin: unknown configuration: " + name)
        cluster.config[name] = json.loads(value)
    add_users(cluster, options)
    threading.Thread(target=cluster.run_clock, daemon=True).start()
    _, ports = start_http(cluster, options)
    front = MysqlFront(cluster, options.mysql_port, mysql_tls(options),
                       options.tls_required)
    cluster.mysql_port = front.port
    write_ports(options.data, dict(ports, mysql=front.port,
                                   pid=os.getpid()))
    done.wait()
    os.unlink(os.path.join(options.data, "ports.json"))
    cluster.stop()
    # Threads of open connections are not waited for.
    os._exit(0)


if __name__ == "__main__":
    main()
