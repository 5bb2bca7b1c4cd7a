# SPDX-License-Identifier: Apache-2.0
# core/cli: its files in the core library (headers too).

core_libezcdc_core_la_SOURCES += \
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
