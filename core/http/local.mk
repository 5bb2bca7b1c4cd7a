# SPDX-License-Identifier: Apache-2.0
# core/http: its files in the core library (headers too).

core_libezcdc_core_la_SOURCES += \
	core/http/client.c \
	core/http/client.h \
	core/http/credential.c \
	core/http/credential.h \
	core/http/failure.c \
	core/http/failure.h \
	core/http/http.h \
	core/http/instance_http.c \
	core/http/instance_http.h \
	core/http/progress.c \
	core/http/progress.h \
	core/http/redirect.c \
	core/http/request.c \
	core/http/request.h \
	core/http/session.c \
	core/http/session.h \
	core/http/target.c \
	core/http/target.h \
	$(NULL)
