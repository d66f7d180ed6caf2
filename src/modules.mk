# The rooms, in order: this is the order of assembly, of linking and of deploy().
# No wildcard: a file that is not named here is not in the product.

OBJS = \
	src/crm.o \
	src/core/core.o

# Objects that the extension owns.
ROOM_SQL = \
	src/core/core.sql \
	src/deploy/deploy.sql

# Plain tables, policies and views that CALL crm.deploy() makes; FILE.tables.sql
# becomes the procedure crm.deploy_FILE().
ROOM_TABLES = \
	src/core/core.tables.sql
