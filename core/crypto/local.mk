# SPDX-License-Identifier: Apache-2.0
# core/crypto: its files in the core library (headers too).

core_libezcdc_core_la_SOURCES += \
	core/crypto/base64url.c \
	core/crypto/base64url.h \
	core/crypto/digest.c \
	core/crypto/digest.h \
	core/crypto/envelope.c \
	core/crypto/envelope.h \
	core/crypto/key_command.c \
	core/crypto/key_command.h \
	core/crypto/key_ring.c \
	core/crypto/key_ring.h \
	core/crypto/key_source.c \
	core/crypto/key_source.h \
	core/crypto/saslprep.c \
	core/crypto/saslprep.h \
	core/crypto/secret.c \
	core/crypto/secret.h \
	core/crypto/start.c \
	core/crypto/start.h \
	$(NULL)
