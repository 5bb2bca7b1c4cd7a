# SPDX-License-Identifier: Apache-2.0
# Unit tests (cmocka). A test of one file, tests/unit/test-NAME.c, needs only
# its name in the list; it is linked with the core library. If it needs more
# files, set tests_unit_test_NAME_SOURCES.

EXTRA_DIST += \
	tests/unit/http_server.py \
	tests/unit/unit.h \
	$(NULL)

if HAVE_CMOCKA
unit_tests = \
	tests/unit/test-audit \
	tests/unit/test-batch \
	tests/unit/test-rounds \
	tests/unit/test-envelope \
	tests/unit/test-keeper \
	tests/unit/test-keys \
	tests/unit/test-descriptor \
	tests/unit/test-error \
	tests/unit/test-files \
	tests/unit/test-http \
	tests/unit/test-instance \
	tests/unit/test-ini \
	tests/unit/test-json \
	tests/unit/test-log \
	tests/unit/test-options \
	tests/unit/test-text \
	tests/unit/test-utf8 \
	tests/unit/test-values \
	$(NULL)
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)

tests_unit_test_http_SOURCES = \
	tests/unit/certificates.c \
	tests/unit/certificates.h \
	tests/unit/http_server.c \
	tests/unit/http_server.h \
	tests/unit/test-http.c \
	$(NULL)
tests_unit_test_http_LDADD = $(LDADD) $(CORE_LIBS)
endif
