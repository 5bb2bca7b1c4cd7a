# SPDX-License-Identifier: Apache-2.0
# core/http: its files in the core library (headers too).

core_libezcdc_core_la_SOURCES += \
	core/http/http.h \
	core/http/options.c \
	$(NULL)
