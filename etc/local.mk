# SPDX-License-Identifier: Apache-2.0
# Samples for a deployment. Where a distribution keeps units and accounts is
# its own affair, so they are installed as documentation.

dist_doc_DATA = \
	etc/ezcdc.sysusers \
	etc/ezcdc@.service \
	etc/sample.ini \
	$(NULL)

# These have customary places, and other names there than here.
bashcompletiondir = $(datadir)/bash-completion/completions
logrotatedir = $(sysconfdir)/logrotate.d
EXTRA_DIST += etc/ezcdc.bash etc/ezcdc.logrotate

install-data-local:
	$(MKDIR_P) "$(DESTDIR)$(bashcompletiondir)" "$(DESTDIR)$(logrotatedir)"
	$(INSTALL_DATA) $(srcdir)/etc/ezcdc.bash \
	  "$(DESTDIR)$(bashcompletiondir)/ezcdc"
	$(INSTALL_DATA) $(srcdir)/etc/ezcdc.logrotate \
	  "$(DESTDIR)$(logrotatedir)/ezcdc"
uninstall-local:
	rm -f "$(DESTDIR)$(bashcompletiondir)/ezcdc" \
	  "$(DESTDIR)$(logrotatedir)/ezcdc"
