# SPDX-License-Identifier: Apache-2.0
# The StarRocks sink: Connector/C, jansson, zstd and lz4. HTTP is the host's.

if CONNECTOR_STARROCKS
connector_LTLIBRARIES += plugins/starrocks/starrocks.la
# All but the entry point, so that tests can link with it.
noinst_LTLIBRARIES += plugins/starrocks/libstarrocks.la
endif
plugins_starrocks_libstarrocks_la_SOURCES = \
	plugins/starrocks/alter.c \
	plugins/starrocks/answer.c \
	plugins/starrocks/answer.h \
	plugins/starrocks/body.c \
	plugins/starrocks/body.h \
	plugins/starrocks/buffer.c \
	plugins/starrocks/buffer.h \
	plugins/starrocks/canonical.c \
	plugins/starrocks/canonical.h \
	plugins/starrocks/check.c \
	plugins/starrocks/cluster.c \
	plugins/starrocks/cluster.h \
	plugins/starrocks/compress.c \
	plugins/starrocks/compress.h \
	plugins/starrocks/connect.c \
	plugins/starrocks/connect.h \
	plugins/starrocks/ddl.c \
	plugins/starrocks/ddl.h \
	plugins/starrocks/greeting.c \
	plugins/starrocks/greeting.h \
	plugins/starrocks/hold.c \
	plugins/starrocks/hold.h \
	plugins/starrocks/host.h \
	plugins/starrocks/identifiers.c \
	plugins/starrocks/identifiers.h \
	plugins/starrocks/layout.c \
	plugins/starrocks/layout.h \
	plugins/starrocks/load.c \
	plugins/starrocks/load.h \
	plugins/starrocks/mysqlerror.c \
	plugins/starrocks/mysqlerror.h \
	plugins/starrocks/peer.c \
	plugins/starrocks/peer.h \
	plugins/starrocks/prepare.c \
	plugins/starrocks/query.c \
	plugins/starrocks/query.h \
	plugins/starrocks/scan.c \
	plugins/starrocks/settings.c \
	plugins/starrocks/settings.h \
	plugins/starrocks/starrocks.h \
	plugins/starrocks/transport.h \
	plugins/starrocks/types.c \
	plugins/starrocks/types.h \
	plugins/starrocks/values.c \
	plugins/starrocks/values.h \
	plugins/starrocks/watch.c \
	plugins/starrocks/watch.h \
	plugins/starrocks/write.c \
	$(NULL)
plugins_starrocks_libstarrocks_la_CPPFLAGS = \
	$(CONNECTOR_CPPFLAGS) $(STARROCKS_CFLAGS)
plugins_starrocks_libstarrocks_la_CFLAGS = $(CONNECTOR_CFLAGS)
plugins_starrocks_libstarrocks_la_LIBADD = $(STARROCKS_LIBS) -lm

plugins_starrocks_starrocks_la_SOURCES = \
	plugins/starrocks/starrocks.c \
	$(NULL)
plugins_starrocks_starrocks_la_CPPFLAGS = \
	$(CONNECTOR_CPPFLAGS) $(STARROCKS_CFLAGS) \
	-DCONNECTOR_VERSION='"$(PACKAGE_VERSION)"'
plugins_starrocks_starrocks_la_CFLAGS = $(CONNECTOR_CFLAGS)
plugins_starrocks_starrocks_la_LDFLAGS = $(CONNECTOR_LDFLAGS)
plugins_starrocks_starrocks_la_LIBADD = plugins/starrocks/libstarrocks.la
