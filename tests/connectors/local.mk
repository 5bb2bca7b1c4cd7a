# SPDX-License-Identifier: Apache-2.0
# Shared objects that only tests load. Their tests build the bad ones, and the
# good ones once more from an installed tree.

check_LTLIBRARIES += \
	tests/connectors/careless.la \
	tests/connectors/counter.la \
	tests/connectors/discard.la \
	tests/connectors/hostile.la \
	$(NULL)

# -rpath makes libtool build a shared object although nothing is installed.
TEST_CONNECTOR_LDFLAGS = $(CONNECTOR_LDFLAGS) -rpath /nowhere

tests_connectors_careless_la_SOURCES = tests/connectors/careless.c
tests_connectors_careless_la_CPPFLAGS = $(CONNECTOR_CPPFLAGS)
tests_connectors_careless_la_CFLAGS = $(CONNECTOR_CFLAGS)
tests_connectors_careless_la_LDFLAGS = $(TEST_CONNECTOR_LDFLAGS)
tests_connectors_counter_la_SOURCES = tests/connectors/counter.c
tests_connectors_counter_la_CPPFLAGS = $(CONNECTOR_CPPFLAGS)
tests_connectors_counter_la_CFLAGS = $(CONNECTOR_CFLAGS)
tests_connectors_counter_la_LDFLAGS = $(TEST_CONNECTOR_LDFLAGS)
tests_connectors_discard_la_SOURCES = tests/connectors/discard.c
tests_connectors_discard_la_CPPFLAGS = $(CONNECTOR_CPPFLAGS)
tests_connectors_discard_la_CFLAGS = $(CONNECTOR_CFLAGS)
tests_connectors_discard_la_LDFLAGS = $(TEST_CONNECTOR_LDFLAGS)
tests_connectors_hostile_la_SOURCES = tests/connectors/hostile.c
tests_connectors_hostile_la_CPPFLAGS = $(CONNECTOR_CPPFLAGS)
tests_connectors_hostile_la_CFLAGS = $(CONNECTOR_CFLAGS)
tests_connectors_hostile_la_LDFLAGS = $(TEST_CONNECTOR_LDFLAGS)

if HAVE_SECCOMP
check_PROGRAMS += tests/connectors/under_filter
tests_connectors_under_filter_LDADD = $(SECCOMP_LIBS)
endif

EXTRA_DIST += \
	tests/connectors/bad.c \
	tests/connectors/careless.py \
	tests/connectors/confined.py \
	tests/connectors/hostile.py \
	tests/connectors/in_flight.py \
	tests/connectors/pipeline.py \
	tests/connectors/planted.py \
	tests/connectors/policy.py \
	tests/connectors/refusals.py \
	tests/connectors/service.py \
	tests/connectors/streams.py \
	tests/connectors/tap.py \
	tests/connectors/third_party.py \
	$(NULL)

if HAVE_PYTHON3
TESTS += \
	tests/connectors/careless.py \
	tests/connectors/confined.py \
	tests/connectors/hostile.py \
	tests/connectors/in_flight.py \
	tests/connectors/pipeline.py \
	tests/connectors/planted.py \
	tests/connectors/policy.py \
	tests/connectors/refusals.py \
	tests/connectors/service.py \
	tests/connectors/streams.py \
	tests/connectors/third_party.py \
	$(NULL)
endif
