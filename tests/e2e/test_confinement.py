# SPDX-License-Identifier: Apache-2.0
"""What a confined runner cannot reach, and what reaches it all the same."""

import os
import pathlib
import signal
import subprocess

import pytest

from harness import process, shop


@pytest.fixture
def items(world):
    world.sql("CREATE TABLE items (id int PRIMARY KEY, name text);"
              "INSERT INTO items SELECT i, 'n' || i"
              " FROM generate_series(1, 100) i")
    return world


def audited(pipeline, action):
    return [record for record in pipeline.audit()
            if record["action"] == action]


def test_a_certificate_that_was_renewed_by_renaming_is_read(items, tmp_path):
    """In a folder that the runner cannot read: the keeper opens the file."""
    folder = tmp_path / "private"
    folder.mkdir(mode=0o700)
    certificate = folder / "ca.pem"
    certificate.write_bytes(items.postgres.authority.certificate.read_bytes())
    pipeline = items.pipeline()
    pipeline.section("source", ssl_root_cert=certificate)
    run = pipeline.start()
    run.wait_streaming()
    renewed = folder / "new.pem"
    renewed.write_bytes(certificate.read_bytes())
    os.rename(renewed, certificate)
    run.process.send_signal(signal.SIGHUP)
    run.wait_until(lambda: len(audited(pipeline, "tls.reloaded")) == 2,
                   "both sides have read their certificates")
    assert audited(pipeline, "tls.reload_rejected") == []
    items.postgres.terminate(items.postgres.walsender(pipeline.slot))
    items.sql("INSERT INTO items VALUES (1000, 'after')")
    items.wait_same(run, "items")
    certificate.unlink()
    run.process.send_signal(signal.SIGHUP)
    run.wait_text(f"open {certificate}: No such file")
    assert run.terminate() == 0


# ---- The environment ---------------------------------------------------

# A library that leaves a file behind when it is loaded, by whatever name.
MARKER = r"""
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
__attribute__ ((constructor)) static void
mark (void)
{
  char path[512];
  snprintf (path, sizeof path, "%s/loaded-by-%d", FOLDER, (int) getpid ());
  fclose (fopen (path, "w"));
}
"""


@pytest.fixture
def trap(tmp_path):
    """A folder that others may write to; the library marks in it who loads it."""
    folder = tmp_path / "trap"
    folder.mkdir()
    source = folder / "marker.c"
    source.write_text(MARKER)
    library = folder / "marker.so"
    subprocess.run(["cc", "-shared", "-fPIC", f'-DFOLDER="{folder}"', "-o",
                    library, source], check=True)
    # As names that libraries load by themselves.
    for name in ("dialog", "mysql_clear_password", "caching_sha2_password",
                 "client_ed25519", "legacy", "UTF-16"):
        (folder / f"{name}.so").write_bytes(library.read_bytes())
    (folder / "openssl.cnf").write_text(
        "openssl_conf = all\n[all]\nproviders = providers\n"
        "[providers]\nmarker = marker\n"
        f"[marker]\nmodule = {library}\nactivate = 1\n")
    (folder / "services").write_text(
        "[evil]\nhost=192.0.2.1\nport=1\nsslmode=disable\n")
    (folder / "passwords").write_text("*:*:*:*:wrong\n")
    os.chmod(folder / "passwords", 0o600)
    (folder / "empty.pem").write_text("")
    home = folder / "home"
    (home / ".postgresql").mkdir(parents=True)
    (home / ".postgresql" / "root.crt").write_text("")
    (home / ".pgpass").write_text("*:*:*:*:wrong\n")
    os.chmod(home / ".pgpass", 0o600)
    (home / ".my.cnf").write_text("[client]\nhost=192.0.2.1\nssl=0\n")
    (home / ".curlrc").write_text("proxy = 192.0.2.1:1\n")
    return folder


def loaders(folder):
    return sorted(path.name for path in folder.glob("loaded-by-*"))


def hostile_environment(trap):
    nowhere = "http://192.0.2.1:1"
    return {
        "HOME": trap / "home", "TMPDIR": trap / "missing",
        "OPENSSL_CONF": trap / "openssl.cnf", "OPENSSL_MODULES": trap,
        "OPENSSL_ENGINES": trap, "SSL_CERT_FILE": trap / "empty.pem",
        "SSL_CERT_DIR": trap, "SSLKEYLOGFILE": trap / "keylog",
        "PGHOST": "192.0.2.1", "PGHOSTADDR": "192.0.2.1", "PGPORT": "1",
        "PGUSER": "nobody", "PGDATABASE": "nothing", "PGPASSWORD": "wrong",
        "PGPASSFILE": trap / "passwords", "PGSERVICE": "evil",
        "PGSERVICEFILE": trap / "services", "PGSYSCONFDIR": trap,
        "PGSSLMODE": "disable", "PGREQUIRESSL": "0", "PGSSLROOTCERT": "/",
        "PGSSLCERT": trap / "empty.pem", "PGSSLKEY": trap / "empty.pem",
        "PGSSLCRL": trap / "empty.pem", "PGSSLSNI": "0",
        "PGSSLMAXPROTOCOLVERSION": "TLSv1", "PGCHANNELBINDING": "disable",
        "PGGSSENCMODE": "require", "PGTARGETSESSIONATTRS": "standby",
        "PGOPTIONS": "-c nonsense=1", "PGCLIENTENCODING": "LATIN1",
        "PGDATESTYLE": "German, DMY", "PGTZ": "Pacific/Kiritimati",
        "PGCONNECT_TIMEOUT": "1", "PGAPPNAME": "evil",
        "LIBMYSQL_PLUGINS": "dialog;caching_sha2_password",
        "LIBMYSQL_PLUGIN_DIR": trap, "MARIADB_PLUGIN_DIR": trap,
        "LIBMYSQL_ENABLE_CLEARTEXT_PLUGIN": "1", "MYSQL_HOST": "192.0.2.1",
        "MYSQL_TCP_PORT": "1", "MYSQL_UNIX_PORT": "/missing",
        "MYSQL_PWD": "wrong", "MYSQL_HOME": trap / "home",
        "MARIADB_HOME": trap / "home",
        "MARIADB_TLS_DISABLE_PEER_VERIFICATION": "1",
        "http_proxy": nowhere, "https_proxy": nowhere, "HTTPS_PROXY": nowhere,
        "all_proxy": nowhere, "ALL_PROXY": nowhere, "no_proxy": "",
        "CURL_CA_BUNDLE": trap / "empty.pem", "CURL_HOME": trap / "home",
        "MALLOC_PERTURB_": "165", "MALLOC_CHECK_": "3", "MALLOC_ARENA_MAX": "1",
        "GLIBC_TUNABLES": "glibc.malloc.tcache_count=0", "GCONV_PATH": trap,
        "RES_OPTIONS": "attempts:1", "HOSTALIASES": trap / "services",
        "LOCALDOMAIN": "evil.invalid", "KRB5_CONFIG": trap / "services",
        "KRB5_TRACE": trap / "krb5-trace", "LDAPCONF": trap / "services",
        "SQLITE_TMPDIR": trap / "missing", "TZ": "Pacific/Kiritimati",
    }


def test_the_trap_works(trap):
    """Or the test below would say nothing."""
    subprocess.run(["openssl", "version"], check=False,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                   env={"OPENSSL_CONF": str(trap / "openssl.cnf"),
                        "PATH": os.environ["PATH"]})
    assert loaders(trap)


def test_a_hostile_environment_has_no_effect(world, trap):
    """The whole main job: check, copy, changes, verify."""
    environment = {name: str(value) for name, value
                   in hostile_environment(trap).items()}
    world.sql(shop.SCHEMA)
    world.sql(shop.FILL)
    pipeline = world.pipeline()
    assert pipeline.check(**environment).code == 0
    run = pipeline.start(**environment)
    run.wait_streaming(timeout=120)
    names = {entry.split(b"=")[0].decode() for entry in pathlib.Path(
        f"/proc/{run.runner()}/environ").read_bytes().split(b"\0") if entry}
    assert names <= {"HOME", "TZ", "LANG", "LC_ALL", "ASAN_OPTIONS",
                     "LSAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS"}, names
    world.sql("UPDATE products SET price = price + 1, released = '2024-02-03'")
    world.sql("DELETE FROM orders WHERE id % 10 = 0")
    world.settle(run, *shop.TABLES)
    assert pipeline("verify", pipeline.ini, timeout=120, **environment).code == 0
    for connection in pipeline.status()["connections"]:
        assert connection["tls"] in ("TLSv1.2", "TLSv1.3"), connection
    assert loaders(trap) == []
    for name in ("keylog", "krb5-trace"):
        assert not (trap / name).exists()
    assert not world.leaks()


@pytest.mark.long
def test_a_preloaded_library_is_not_loaded_into_the_runner(items, trap):
    """Who starts the keeper decides what is in it; the runner starts clean."""
    pipeline = items.pipeline()
    run = pipeline.start(LD_PRELOAD=str(trap / "marker.so"),
                         LD_LIBRARY_PATH=str(trap))
    run.wait_streaming()
    assert loaders(trap) == [f"loaded-by-{run.keeper}"]
    assert "marker.so" not in maps_of(run.runner())
    assert run.terminate() == 0


# ---- Two processes -----------------------------------------------------

def maps_of(process):
    return pathlib.Path(f"/proc/{process}/maps").read_text()


def test_no_database_library_is_in_the_keeper(items):
    libraries = ("libpq.so", "libmariadb.so", "postgres.so", "starrocks.so")
    pipeline = items.pipeline()
    run = pipeline.start()
    run.wait_streaming()
    items.sql("UPDATE items SET name = name || '!'")
    items.wait_same(run, "items")
    run.process.send_signal(signal.SIGHUP)
    run.wait_text("keys and configuration were read anew")
    for library in libraries:
        assert library in maps_of(run.runner()), library
        assert library not in maps_of(run.keeper), library
    assert run.terminate() == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another")
def test_started_by_root_the_runner_is_the_pipeline_s_owner(items):
    user = process.unprivileged_user()
    pipeline = items.pipeline()
    pipeline.state_dir.mkdir()
    os.chown(pipeline.state_dir, user.pw_uid, user.pw_gid)
    pipeline.check()
    run = pipeline.start()
    run.wait_streaming()
    status = pathlib.Path(f"/proc/{run.runner()}/status").read_text()
    assert f"\nUid:\t{user.pw_uid}\t{user.pw_uid}\t" in status, status
    assert "\nCapEff:\t0000000000000000\n" in status, status
    items.sql("UPDATE items SET name = name || '!'")
    items.settle(run, "items")
    assert pipeline.verify().code == 0


@pytest.mark.long
def test_a_runner_s_own_calls_are_all_allowed(items):
    """The connectors of the tree try nothing that is refused."""
    pipeline = items.pipeline()
    assert pipeline.check().code == 0
    pipeline.until_caught_up()
    items.sql("UPDATE items SET name = name || '!'")
    run = pipeline.start()
    run.wait_streaming()
    items.settle(run, "items")
    assert pipeline.verify().code == 0
    assert audited(pipeline, "runner.call_refused") == []
    assert len(audited(pipeline, "runner.confined")) == 4
    assert audited(pipeline, "runner.unconfined") == []
