# SPDX-License-Identifier: Apache-2.0
# core/tls: its files in the core library (headers too).

core_libezcdc_core_la_SOURCES += \
	core/tls/instance_tls.c \
	core/tls/instance_tls.h \
	core/tls/memfd.c \
	core/tls/memfd.h \
	core/tls/certificate.c \
	core/tls/certificate.h \
	core/tls/client_key.c \
	core/tls/client_key.h \
	core/tls/checking.c \
	core/tls/loading.c \
	core/tls/mode.c \
	core/tls/parts.h \
	core/tls/pem.c \
	core/tls/pem.h \
	core/tls/reading.c \
	core/tls/tls.c \
	core/tls/tls.h \
	$(NULL)
