# SPDX-License-Identifier: Apache-2.0
# tests/e2e: run by ./test against an installed tree, not by "make check",
# because they start servers.

e2e_files = \
	tests/e2e/conftest.py \
	tests/e2e/fetch-postgres \
	tests/e2e/pytest.ini \
	tests/e2e/quickstart.py \
	tests/e2e/harness/__init__.py \
	tests/e2e/harness/canaries.py \
	tests/e2e/harness/certificates.py \
	tests/e2e/harness/engine.py \
	tests/e2e/harness/memory.py \
	tests/e2e/harness/oracle.py \
	tests/e2e/harness/postgres.py \
	tests/e2e/harness/process.py \
	tests/e2e/harness/rogue.py \
	tests/e2e/harness/rogue_http.py \
	tests/e2e/harness/shop.py \
	tests/e2e/harness/starrocks.py \
	tests/e2e/harness/types.py \
	tests/e2e/harness/waiting.py \
	tests/e2e/harness/workload.py \
	tests/e2e/harness/world.py \
	tests/e2e/test_audit_actions.py \
	tests/e2e/test_audit_disk.py \
	tests/e2e/test_audit_keys.py \
	tests/e2e/test_audit_rotation.py \
	tests/e2e/test_changes.py \
	tests/e2e/test_commands.py \
	tests/e2e/test_configuration.py \
	tests/e2e/test_confinement.py \
	tests/e2e/test_delivery.py \
	tests/e2e/test_encodings.py \
	tests/e2e/test_everything_at_once.py \
	tests/e2e/test_failover.py \
	tests/e2e/test_faults.py \
	tests/e2e/test_file_sink.py \
	tests/e2e/test_harness.py \
	tests/e2e/test_keys.py \
	tests/e2e/test_leaks.py \
	tests/e2e/test_leaks_of_pem.py \
	tests/e2e/test_leaks_of_servers.py \
	tests/e2e/test_log_injection.py \
	tests/e2e/test_many_tables.py \
	tests/e2e/test_matrix.py \
	tests/e2e/test_missed_changes.py \
	tests/e2e/test_memory.py \
	tests/e2e/test_retention.py \
	tests/e2e/test_rogue_servers.py \
	tests/e2e/test_schema.py \
	tests/e2e/test_secrets_in_memory.py \
	tests/e2e/test_security.py \
	tests/e2e/test_snapshot.py \
	tests/e2e/test_tls.py \
	tests/e2e/test_tls_clients.py \
	tests/e2e/test_tls_matrix.py \
	tests/e2e/test_tls_peers.py \
	tests/e2e/test_types.py \
	tests/e2e/without_memfd_secret.py \
	$(NULL)

EXTRA_DIST += \
	.ci/run \
	packages.txt \
	quickstart \
	test \
	tests/prepare.sh \
	$(e2e_files) \
	$(NULL)
