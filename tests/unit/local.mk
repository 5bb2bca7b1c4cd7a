# SPDX-License-Identifier: Apache-2.0
# Unit tests (cmocka). A test of one file, tests/unit/test-NAME.c, needs only
# its name in the list; it is linked with the core library. If it needs more
# files, set tests_unit_test_NAME_SOURCES.

if HAVE_CMOCKA
unit_tests = \
	$(NULL)
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)
endif
