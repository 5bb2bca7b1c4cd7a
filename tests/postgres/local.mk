# SPDX-License-Identifier: Apache-2.0
# The PostgreSQL source by itself, on a real server. The driver is built here;
# the tests are run by ./test, not by "make check", because they start servers.

if CONNECTOR_POSTGRES
check_PROGRAMS += tests/postgres/driver
endif
tests_postgres_driver_SOURCES = tests/postgres/driver.c
tests_postgres_driver_CPPFLAGS = \
	-D_GNU_SOURCE \
	-I$(top_srcdir)/include \
	$(HARDENING_CPPFLAGS) \
	$(NULL)
tests_postgres_driver_LDADD = $(NULL)

if HAVE_CMOCKA
postgres_unit_tests = \
	tests/postgres/test-authentication \
	tests/postgres/test-decode \
	tests/postgres/test-texts \
	$(NULL)
check_PROGRAMS += $(postgres_unit_tests)
TESTS += $(postgres_unit_tests)
endif
tests_postgres_test_authentication_SOURCES = \
	plugins/postgres/authentication.c \
	plugins/postgres/authentication.h \
	tests/postgres/test-authentication.c \
	$(NULL)
tests_postgres_test_authentication_LDADD = $(CMOCKA_LIBS)
tests_postgres_test_decode_SOURCES = \
	plugins/postgres/copy.c \
	plugins/postgres/copy.h \
	plugins/postgres/pgoutput.c \
	plugins/postgres/pgoutput.h \
	tests/postgres/test-decode.c \
	$(NULL)
tests_postgres_test_decode_LDADD = $(CMOCKA_LIBS)
tests_postgres_test_texts_SOURCES = \
	plugins/postgres/chunk.c \
	plugins/postgres/chunk.h \
	plugins/postgres/pattern.c \
	plugins/postgres/pattern.h \
	plugins/postgres/position.c \
	plugins/postgres/position.h \
	plugins/postgres/type.c \
	plugins/postgres/type.h \
	plugins/postgres/value.c \
	plugins/postgres/value.h \
	tests/postgres/test-texts.c \
	$(NULL)
tests_postgres_test_texts_LDADD = $(CMOCKA_LIBS)

EXTRA_DIST += \
	tests/postgres/conftest.py \
	tests/postgres/pytest.ini \
	tests/postgres/test_publication.py \
	tests/postgres/test_rights.py \
	tests/postgres/test_slot.py \
	tests/postgres/test_snapshot.py \
	tests/postgres/test_stream.py \
	tests/postgres/test_tables.py \
	tests/postgres/test_values.py \
	$(NULL)
