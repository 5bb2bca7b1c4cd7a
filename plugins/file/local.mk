# SPDX-License-Identifier: Apache-2.0
# The JSON Lines sink: libc only.

if CONNECTOR_FILE
connector_LTLIBRARIES += plugins/file/file.la
endif
plugins_file_file_la_SOURCES = \
	plugins/file/file.c \
	plugins/file/line.c \
	plugins/file/line.h \
	plugins/file/output.c \
	plugins/file/output.h \
	$(NULL)
plugins_file_file_la_CPPFLAGS = $(CONNECTOR_CPPFLAGS)
plugins_file_file_la_CFLAGS = $(CONNECTOR_CFLAGS)
plugins_file_file_la_LDFLAGS = $(CONNECTOR_LDFLAGS)
