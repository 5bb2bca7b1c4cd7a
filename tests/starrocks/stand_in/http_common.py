# SPDX-License-Identifier: Apache-2.0
"""What frontend and backends share when they speak HTTP."""

import base64
import binascii
import ipaddress
import json

HTML = ("<html>\r\n<head><title>%d %s</title></head>\r\n<body>\r\n<center>"
        "<h1>%d %s</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n"
        "</html>\r\n")


def pretty(data):
    return json.dumps(data, indent=4, ensure_ascii=False)


def basic_credentials(request):
    """(user, password), or None without valid Basic authorization."""
    text = request.header("authorization", "")
    if not text.startswith("Basic "):
        return None
    try:
        pair = base64.b64decode(text[6:].strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    user, colon, password = pair.partition(":")
    return (user.partition("@")[0], password) if colon else None


def html_error(request, status):
    from .http_server import REASONS
    reason = REASONS[status]
    request.answer(status, HTML % (status, reason, status, reason),
                   "text/html", close=True)


def is_loopback(host):
    host = host.rpartition(":")[0] if ":" in host and not \
        host.endswith("]") else host
    host = host.strip("[]")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def watch(request, cluster, where, database, table, label):
    """Logs a request and complains about what is wrong with it."""
    manners = cluster.manners
    entry = manners.request(
        where=where, method=request.method, target=request.target,
        tls=request.is_tls, database=database, table=table, label=label,
        headers={k: v for k, v in request.headers.items()
                 if k != "authorization"},
        authorization="authorization" in request.headers)
    if not request.is_tls and entry["authorization"]:
        if not is_loopback(request.header("host", "localhost")):
            manners.complain("credentials_in_plaintext",
                             "to " + request.header("host"), label=label)
        else:
            manners.remark("plaintext_on_loopback", where, label=label)
    for name in request.repeated:
        manners.complain("repeated_header", name, label=label)
    if "user-agent" not in request.headers:
        manners.remark("no_user_agent", where, label=label)
    return entry


# Header names of stream load, and those that belong to HTTP.
LOAD_HEADERS = frozenset("""
label format columns where column_separator row_delimiter skip_header
trim_space enclose escape partitions temporary_partitions max_filter_ratio
log_rejected_record_num timeout strict_mode timezone load_mem_limit
exec_mem_limit jsonpaths json_root strip_outer_array ignore_json_size
partial_update partial_update_mode merge_condition compression
content-encoding transmission_compression_type load_dop
enable_replicated_storage warehouse enable_merge_commit merge_commit_async
merge_commit_interval_ms merge_commit_parallel idle_transaction_timeout
prepared_timeout transaction_type channel_id channel_num db table
accept accept-encoding authorization cache-control connection content-length
content-type expect host te transfer-encoding user-agent via x-forwarded-for
x-forwarded-proto x-real-ip
""".split())


def watch_load(request, cluster, label):
    """Complaints about the headers of a load."""
    manners = cluster.manners
    if request.header("label") is None:
        manners.complain("no_label", request.target)
    if (request.header("strict_mode") or "").lower() != "true":
        manners.complain("no_strict_mode", request.target, label=label)
    ratio = request.header("max_filter_ratio")
    try:
        zero = ratio is not None and float(ratio) == 0
    except ValueError:
        zero = False
    if not zero:
        manners.complain("no_max_filter_ratio_0", request.target,
                         label=label)
    if (request.header("expect") or "").lower() != "100-continue":
        manners.complain("no_expect", request.target, label=label)
    for name in sorted(set(request.headers) - LOAD_HEADERS):
        manners.complain("unknown_header", name, label=label)
