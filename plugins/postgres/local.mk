# SPDX-License-Identifier: Apache-2.0
# The PostgreSQL source: libpq, and libssl for one setting of its connection.

if CONNECTOR_POSTGRES
connector_LTLIBRARIES += plugins/postgres/postgres.la
endif
plugins_postgres_postgres_la_SOURCES = \
	plugins/postgres/authentication.c \
	plugins/postgres/authentication.h \
	plugins/postgres/blocker.c \
	plugins/postgres/blocker.h \
	plugins/postgres/changes.c \
	plugins/postgres/check.c \
	plugins/postgres/check.h \
	plugins/postgres/check_rights.c \
	plugins/postgres/chunk.c \
	plugins/postgres/chunk.h \
	plugins/postgres/connect.c \
	plugins/postgres/connect.h \
	plugins/postgres/copy.c \
	plugins/postgres/copy.h \
	plugins/postgres/describe.c \
	plugins/postgres/describe.h \
	plugins/postgres/discover.c \
	plugins/postgres/discover.h \
	plugins/postgres/fetch.c \
	plugins/postgres/fetch.h \
	plugins/postgres/gate.c \
	plugins/postgres/gate.h \
	plugins/postgres/oids.c \
	plugins/postgres/oids.h \
	plugins/postgres/options.c \
	plugins/postgres/options.h \
	plugins/postgres/pattern.c \
	plugins/postgres/pattern.h \
	plugins/postgres/pgoutput.c \
	plugins/postgres/pgoutput.h \
	plugins/postgres/plan.c \
	plugins/postgres/position.c \
	plugins/postgres/position.h \
	plugins/postgres/postgres.c \
	plugins/postgres/postgres.h \
	plugins/postgres/publication.c \
	plugins/postgres/publication.h \
	plugins/postgres/query.c \
	plugins/postgres/query.h \
	plugins/postgres/reader.c \
	plugins/postgres/reader.h \
	plugins/postgres/receive.c \
	plugins/postgres/receive.h \
	plugins/postgres/relation.c \
	plugins/postgres/relation.h \
	plugins/postgres/retention.c \
	plugins/postgres/retention.h \
	plugins/postgres/rows.c \
	plugins/postgres/rows.h \
	plugins/postgres/session.c \
	plugins/postgres/session.h \
	plugins/postgres/slot.c \
	plugins/postgres/slot.h \
	plugins/postgres/snapshot.c \
	plugins/postgres/snapshot.h \
	plugins/postgres/stream.c \
	plugins/postgres/stream.h \
	plugins/postgres/text.c \
	plugins/postgres/text.h \
	plugins/postgres/timeline.c \
	plugins/postgres/timeline.h \
	plugins/postgres/type.c \
	plugins/postgres/type.h \
	plugins/postgres/value.c \
	plugins/postgres/value.h \
	plugins/postgres/wal.c \
	plugins/postgres/wal.h \
	$(NULL)
plugins_postgres_postgres_la_CPPFLAGS = $(CONNECTOR_CPPFLAGS) $(POSTGRES_CFLAGS)
plugins_postgres_postgres_la_CFLAGS = $(CONNECTOR_CFLAGS)
plugins_postgres_postgres_la_LDFLAGS = $(CONNECTOR_LDFLAGS)
plugins_postgres_postgres_la_LIBADD = $(POSTGRES_LIBS)
