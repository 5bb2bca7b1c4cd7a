# SPDX-License-Identifier: Apache-2.0
# Manual pages and documents. A page docs/NAME.SECTION is made from
# docs/NAME.pod; the tarball has both, so that users need no perl.

manual_pages = \
	docs/ezcdc.1 \
	docs/ezcdc.ini.5 \
	docs/ezcdc-audit.7 \
	docs/ezcdc-connector.3 \
	docs/ezcdc-file.7 \
	docs/ezcdc-postgres.7 \
	docs/ezcdc-security.7 \
	docs/ezcdc-starrocks.7 \
	$(NULL)
EXTRA_DIST += \
	docs/ezcdc.pod \
	docs/ezcdc.ini.pod \
	docs/ezcdc-audit.pod \
	docs/ezcdc-connector.pod \
	docs/ezcdc-file.pod \
	docs/ezcdc-postgres.pod \
	docs/ezcdc-security.pod \
	docs/ezcdc-starrocks.pod \
	docs/architecture.md \
	docs/operations.md \
	docs/performance.md \
	$(NULL)
# What ezcdc-connector(3) names as examples; distributed as what they are.
exampledir = $(docdir)/examples
example_DATA = \
	plugins/file/file.c \
	plugins/file/line.c \
	plugins/file/line.h \
	plugins/file/output.c \
	plugins/file/output.h \
	tests/connectors/counter.c \
	$(NULL)

if HAVE_POD2MAN
dist_man_MANS += $(manual_pages)
MAINTAINERCLEANFILES += $(manual_pages)
endif

# Without its name a page of section 3 is called after the path to its pod.
MAKE_PAGE = $(POD2MAN) --utf8 --errors=die --center=ezcdc \
	--release='ezcdc $(PACKAGE_VERSION)' --date=' '
$(manual_pages): docs/local.mk

docs/ezcdc.1: docs/ezcdc.pod
	$(AM_V_GEN)$(MKDIR_P) docs && \
	  $(MAKE_PAGE) --name=EZCDC --section=1 $(srcdir)/docs/ezcdc.pod $@
docs/ezcdc.ini.5: docs/ezcdc.ini.pod
	$(AM_V_GEN)$(MKDIR_P) docs && \
	  $(MAKE_PAGE) --name=EZCDC.INI --section=5 $(srcdir)/docs/ezcdc.ini.pod $@
docs/ezcdc-audit.7: docs/ezcdc-audit.pod
	$(AM_V_GEN)$(MKDIR_P) docs && \
	  $(MAKE_PAGE) --name=EZCDC-AUDIT --section=7 $(srcdir)/docs/ezcdc-audit.pod $@
docs/ezcdc-connector.3: docs/ezcdc-connector.pod
	$(AM_V_GEN)$(MKDIR_P) docs && \
	  $(MAKE_PAGE) --name=EZCDC-CONNECTOR --section=3 $(srcdir)/docs/ezcdc-connector.pod $@
docs/ezcdc-file.7: docs/ezcdc-file.pod
	$(AM_V_GEN)$(MKDIR_P) docs && \
	  $(MAKE_PAGE) --name=EZCDC-FILE --section=7 $(srcdir)/docs/ezcdc-file.pod $@
docs/ezcdc-postgres.7: docs/ezcdc-postgres.pod
	$(AM_V_GEN)$(MKDIR_P) docs && \
	  $(MAKE_PAGE) --name=EZCDC-POSTGRES --section=7 $(srcdir)/docs/ezcdc-postgres.pod $@
docs/ezcdc-security.7: docs/ezcdc-security.pod
	$(AM_V_GEN)$(MKDIR_P) docs && \
	  $(MAKE_PAGE) --name=EZCDC-SECURITY --section=7 $(srcdir)/docs/ezcdc-security.pod $@
docs/ezcdc-starrocks.7: docs/ezcdc-starrocks.pod
	$(AM_V_GEN)$(MKDIR_P) docs && \
	  $(MAKE_PAGE) --name=EZCDC-STARROCKS --section=7 $(srcdir)/docs/ezcdc-starrocks.pod $@
