# crm: PGXS build, and the commands a person types.
#
#   make            build             make install    into the server of PG_CONFIG
#   make demo       ten-minute tour   make test       every test, throwaway servers
#   make bench      measured claims   make fuzz, make coverage, make lint, make mutants
#   make clean      removes all of it, running throwaway servers included
#
# demo, test, bench, fuzz, coverage and lint install missing Debian packages,
# saying which; they never touch a server of the system.

EXTENSION = crm
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'.*/\1/p" crm.control)

MODULE_big = crm
include src/modules.mk

DATA_built = crm--$(EXTVERSION).sql
DATA = $(wildcard upgrade/crm--*.sql)
DOCS =
SHLIB_LINK = -lcrypto -lm
EXTRA_CLEAN = build crm--*.sql

REGRESS = setup $(filter-out setup,$(patsubst sql/%.sql,%,$(sort $(wildcard sql/*.sql))))
ISOLATION = deploy $(filter-out deploy,$(patsubst test/isolation/specs/%.spec,%,$(sort $(wildcard test/isolation/specs/*.spec))))
ISOLATION_OPTS = --inputdir=test/isolation --outputdir=build/isolation --load-extension=pgcrypto --load-extension=crm

CRM_PG ?= 15
PG_CONFIG ?= $(firstword $(wildcard /usr/lib/postgresql/$(CRM_PG)/bin/pg_config) pg_config)
PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)

# The server's headers are not ours to warn about.
PG_CPPFLAGS = -isystem $(shell $(PG_CONFIG) --includedir-server 2>/dev/null) -I$(srcdir)/src -DCRM_VERSION='"$(EXTVERSION)"'
PG_CFLAGS = -Wextra -Wno-unused-parameter -Wno-declaration-after-statement

# -- commands that stand by themselves on a bare machine ----------------------

all:

COMMANDS = demo demo-stop test bench fuzz coverage lint mutants packages
.PHONY: $(COMMANDS)

$(COMMANDS):
	@tools/$@

ifneq ($(wildcard $(PGXS)),)
include $(PGXS)

clean: stop-servers
.PHONY: stop-servers
stop-servers:
	@tools/cluster stop-all

# Debian's PGXS follows no headers.
$(OBJS): $(wildcard src/*.h src/*/*.h src/*/*.inc) src/modules.mk crm.control

crm--$(EXTVERSION).sql: $(ROOM_SQL) $(ROOM_TABLES) src/modules.mk crm.control tools/assemble
	tools/assemble $(ROOM_SQL) --tables $(ROOM_TABLES) >$@.new
	mv $@.new $@

installcheck: build/isolation
build/isolation:
	mkdir -p $@
else
.PHONY: all install clean installcheck
all install installcheck:
	@echo "crm: no PostgreSQL development files: make packages installs them (Debian's postgresql-server-dev-$(CRM_PG))" >&2; exit 1
clean:
	@tools/cluster stop-all
	rm -rf build crm--*.sql
endif
