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
	tests/unit/test-allocations \
	tests/unit/test-audit \
	tests/unit/test-audit-keys \
	tests/unit/test-audit-verify \
	tests/unit/test-batch \
	tests/unit/test-client-key \
	tests/unit/test-compare \
	tests/unit/test-copies \
	tests/unit/test-rounds \
	tests/unit/test-shapes \
	tests/unit/test-envelope \
	tests/unit/test-keeper \
	tests/unit/test-key-command \
	tests/unit/test-keys \
	tests/unit/test-saslprep \
	tests/unit/test-secret \
	tests/unit/test-descriptor \
	tests/unit/test-error \
	tests/unit/test-file-sink \
	tests/unit/test-guard \
	tests/unit/test-files \
	tests/unit/test-http \
	tests/unit/test-instance \
	tests/unit/test-ini \
	tests/unit/test-ini-edit \
	tests/unit/test-json \
	tests/unit/test-log \
	tests/unit/test-options \
	tests/unit/test-print \
	tests/unit/test-text \
	tests/unit/test-tls \
	tests/unit/test-utf8 \
	tests/unit/test-values \
	tests/unit/test-wiping-free \
	$(NULL)
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)

tests_unit_test_audit_SOURCES = \
	tests/unit/audit.c \
	tests/unit/audit.h \
	tests/unit/test-audit.c \
	$(NULL)
tests_unit_test_audit_keys_SOURCES = \
	tests/unit/audit.c \
	tests/unit/audit.h \
	tests/unit/test-audit-keys.c \
	$(NULL)
tests_unit_test_audit_verify_SOURCES = \
	tests/unit/audit.c \
	tests/unit/audit.h \
	tests/unit/test-audit-verify.c \
	$(NULL)

tests_unit_test_client_key_SOURCES = \
	tests/unit/certificates.c \
	tests/unit/certificates.h \
	tests/unit/test-client-key.c \
	$(NULL)
tests_unit_test_client_key_LDADD = $(LDADD) $(CORE_LIBS)

tests_unit_test_file_sink_SOURCES = \
	plugins/file/file.c \
	plugins/file/line.c \
	plugins/file/output.c \
	tests/unit/test-file-sink.c \
	$(NULL)
tests_unit_test_file_sink_CPPFLAGS = $(AM_CPPFLAGS) $(CONNECTOR_CPPFLAGS)

tests_unit_test_http_SOURCES = \
	tests/unit/certificates.c \
	tests/unit/certificates.h \
	tests/unit/http_server.c \
	tests/unit/http_server.h \
	tests/unit/test-http.c \
	$(NULL)
tests_unit_test_http_LDADD = $(LDADD) $(CORE_LIBS)

# With the program's allocator; the compiler has to take it as it is.
OWN_ALLOCATOR_CFLAGS = $(AM_CFLAGS) \
	-fno-builtin-malloc -fno-builtin-calloc -fno-builtin-free -fno-builtin-realloc
tests_unit_test_allocations_SOURCES = \
	core/base/wiping_free.c \
	tests/unit/test-allocations.c \
	$(NULL)
tests_unit_test_allocations_CFLAGS = $(OWN_ALLOCATOR_CFLAGS)
tests_unit_test_copies_SOURCES = \
	core/base/wiping_free.c \
	tests/unit/test-copies.c \
	$(NULL)
tests_unit_test_copies_CFLAGS = $(OWN_ALLOCATOR_CFLAGS)
tests_unit_test_copies_LDADD = $(LDADD) $(CORE_LIBS)
tests_unit_test_instance_SOURCES = \
	core/base/wiping_free.c \
	tests/unit/test-instance.c \
	$(NULL)
tests_unit_test_instance_CFLAGS = $(OWN_ALLOCATOR_CFLAGS)
tests_unit_test_wiping_free_SOURCES = \
	core/base/wiping_free.c \
	tests/unit/test-wiping-free.c \
	$(NULL)
tests_unit_test_wiping_free_CFLAGS = $(OWN_ALLOCATOR_CFLAGS)

tests_unit_test_tls_SOURCES = \
	tests/unit/certificates.c \
	tests/unit/certificates.h \
	tests/unit/test-tls.c \
	$(NULL)
tests_unit_test_tls_LDADD = $(LDADD) $(CORE_LIBS)
endif

# The StarRocks sink's parts, linked without the core.
if CONNECTOR_STARROCKS
if HAVE_CMOCKA
starrocks_unit_tests = \
	tests/unit/test-starrocks-answers \
	tests/unit/test-starrocks-body \
	tests/unit/test-starrocks-tables \
	tests/unit/test-starrocks-values \
	$(NULL)
check_PROGRAMS += $(starrocks_unit_tests)
TESTS += $(starrocks_unit_tests)
endif
endif
starrocks_unit_ldadd = \
	plugins/starrocks/libstarrocks.la $(STARROCKS_LIBS) $(CMOCKA_LIBS) -lm
starrocks_unit_cppflags = $(AM_CPPFLAGS) $(STARROCKS_CFLAGS)
tests_unit_test_starrocks_answers_LDADD = $(starrocks_unit_ldadd)
tests_unit_test_starrocks_answers_CPPFLAGS = $(starrocks_unit_cppflags)
tests_unit_test_starrocks_body_LDADD = $(starrocks_unit_ldadd)
tests_unit_test_starrocks_body_CPPFLAGS = $(starrocks_unit_cppflags)
tests_unit_test_starrocks_tables_LDADD = $(starrocks_unit_ldadd)
tests_unit_test_starrocks_tables_CPPFLAGS = $(starrocks_unit_cppflags)
tests_unit_test_starrocks_values_LDADD = $(starrocks_unit_ldadd)
tests_unit_test_starrocks_values_CPPFLAGS = $(starrocks_unit_cppflags)

# The unit tests under valgrind's memcheck, in a build that is configured with
# --disable-wiping-free. Left out is what it has no way to run: test-envelope
# searches all of its own memory, test-keys looks at /proc/self/environ,
# test-keeper installs filters of system calls, test-key-command needs
# pidfd_open, test-secret forces a core dump.
MEMCHECK = valgrind -q --error-exitcode=99 --leak-check=full \
	--show-leak-kinds=definite --errors-for-leak-kinds=definite
.PHONY: check-valgrind
check-valgrind:
	@tests=; for test in $(unit_tests); do \
	  case $$test in \
	    *-envelope|*-keys|*-keeper|*-key-command|*-secret) \
	      test "$$test" = tests/unit/test-audit-keys || continue ;; \
	  esac; \
	  tests="$$tests $$test"; \
	done; \
	$(MAKE) check TESTS="$$tests" \
	  LOG_COMPILER='$(LIBTOOL) --mode=execute $(MEMCHECK)'
