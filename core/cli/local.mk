# SPDX-License-Identifier: Apache-2.0
# core/cli: its files in the core library (headers too).

core_libezcdc_core_la_SOURCES += \
	core/cli/audit_filter.c \
	core/cli/audit_filter.h \
	core/cli/audit_keys.c \
	core/cli/audit_show.c \
	core/cli/audit_verify.c \
	core/cli/audit_words.h \
	core/cli/command_reseal.c \
	core/cli/command_seal.c \
	core/cli/ini_edit.c \
	core/cli/ini_edit.h \
	core/cli/key_use.c \
	core/cli/key_use.h \
	core/cli/read_secret.c \
	core/cli/read_secret.h \
	core/cli/seal_file.c \
	core/cli/seal_file.h \
	core/cli/secret_options.c \
	core/cli/secret_options.h \
	core/cli/command_audit.c \
	core/cli/command_check.c \
	core/cli/command_run.c \
	core/cli/command_status.c \
	core/cli/command_verify.c \
	core/cli/command_key.c \
	core/cli/command_connectors.c \
	core/cli/describe_connector.c \
	core/cli/describe_connector.h \
	$(NULL)
