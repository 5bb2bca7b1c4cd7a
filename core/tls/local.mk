# SPDX-License-Identifier: Apache-2.0
# core/tls: its files in the core library (headers too).

core_libezcdc_core_la_SOURCES += \
	core/tls/options.c \
	core/tls/tls.h \
	$(NULL)
