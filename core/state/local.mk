# SPDX-License-Identifier: Apache-2.0
# core/state: its files in the core library (headers too).

core_libezcdc_core_la_SOURCES += \
	core/state/state.c \
	core/state/state.h \
	$(NULL)
