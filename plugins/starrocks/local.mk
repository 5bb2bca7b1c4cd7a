# SPDX-License-Identifier: Apache-2.0
# The StarRocks sink: Connector/C, jansson, zstd and lz4. HTTP is the host's.

if CONNECTOR_STARROCKS
connector_LTLIBRARIES += plugins/starrocks/starrocks.la
endif
plugins_starrocks_starrocks_la_SOURCES = \
	plugins/starrocks/starrocks.c \
	$(NULL)
plugins_starrocks_starrocks_la_CPPFLAGS = \
	$(CONNECTOR_CPPFLAGS) $(STARROCKS_CFLAGS)
plugins_starrocks_starrocks_la_CFLAGS = $(CONNECTOR_CFLAGS)
plugins_starrocks_starrocks_la_LDFLAGS = $(CONNECTOR_LDFLAGS)
plugins_starrocks_starrocks_la_LIBADD = $(STARROCKS_LIBS)
