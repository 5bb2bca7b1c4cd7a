# SPDX-License-Identifier: Apache-2.0
# tests/e2e: run by ./test against an installed tree, not by "make check",
# because they start servers.

e2e_files = \
	tests/e2e/conftest.py \
	tests/e2e/pytest.ini \
	tests/e2e/harness/__init__.py \
	tests/e2e/harness/certificates.py \
	tests/e2e/harness/engine.py \
	tests/e2e/harness/oracle.py \
	tests/e2e/harness/postgres.py \
	tests/e2e/harness/process.py \
	tests/e2e/harness/starrocks.py \
	tests/e2e/harness/waiting.py \
	tests/e2e/harness/world.py \
	tests/e2e/test_harness.py \
	$(NULL)

EXTRA_DIST += \
	.ci/run \
	packages.txt \
	test \
	tests/prepare.sh \
	$(e2e_files) \
	$(NULL)
