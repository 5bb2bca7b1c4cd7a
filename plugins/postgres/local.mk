# SPDX-License-Identifier: Apache-2.0
# The PostgreSQL source: libpq, and libssl for one setting of its connection.

if CONNECTOR_POSTGRES
connector_LTLIBRARIES += plugins/postgres/postgres.la
endif
plugins_postgres_postgres_la_SOURCES = \
	plugins/postgres/postgres.c \
	$(NULL)
plugins_postgres_postgres_la_CPPFLAGS = $(CONNECTOR_CPPFLAGS) $(POSTGRES_CFLAGS)
plugins_postgres_postgres_la_CFLAGS = $(CONNECTOR_CFLAGS)
plugins_postgres_postgres_la_LDFLAGS = $(CONNECTOR_LDFLAGS)
plugins_postgres_postgres_la_LIBADD = $(POSTGRES_LIBS)
