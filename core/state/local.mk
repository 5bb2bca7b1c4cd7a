# SPDX-License-Identifier: Apache-2.0
# core/state: its files in the core library (headers too).

core_libezcdc_core_la_SOURCES += \
	core/state/source.c \
	core/state/state.c \
	core/state/state.h \
	core/state/statement.h \
	core/state/status.c \
	core/state/tables.c \
	$(NULL)
