# SPDX-License-Identifier: Apache-2.0
# Sinks by themselves, with a small host instead of the core.

EXTRA_DIST += tests/sink/sink.py tests/sink/test-starrocks.py
if CONNECTOR_STARROCKS
check_PROGRAMS += tests/sink/driver
if HAVE_PYTHON3
TESTS += tests/sink/test-starrocks.py
endif
endif
tests_sink_driver_SOURCES = tests/sink/driver.c
tests_sink_driver_CPPFLAGS = \
	-D_GNU_SOURCE \
	-I$(top_srcdir)/include \
	$(HARDENING_CPPFLAGS) \
	$(CURL_CFLAGS) \
	$(JANSSON_CFLAGS) \
	$(NULL)
tests_sink_driver_LDADD = $(CURL_LIBS) $(JANSSON_LIBS)
tests_sink_driver_CFLAGS = $(AM_CFLAGS) -pthread
