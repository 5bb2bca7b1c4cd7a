# SPDX-License-Identifier: Apache-2.0
# core/audit: its files in the core library (headers too).

core_libezcdc_core_la_SOURCES += \
	core/audit/actions.c \
	core/audit/actions.h \
	$(NULL)
