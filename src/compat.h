/*
 * compat.h: every difference between PostgreSQL versions that this tree knows.
 *
 * Written for 15; 16, 17 and 18 must compile.  No PG_VERSION_NUM test stands
 * anywhere else.
 */
#ifndef CRM_COMPAT_H
#define CRM_COMPAT_H

#if PG_VERSION_NUM < 150000
#error "crm needs PostgreSQL 15 or later"
#endif

/* 16 moved the varlena access macros and what goes with them out of postgres.h. */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* 16 can report a name's faults without raising; and checks rights on all kinds of objects alike. */
#if PG_VERSION_NUM >= 160000
#define CRM_QUALIFIED_NAME(text) stringToQualifiedNameList(text, NULL)
#define CRM_SCHEMA_ACLCHECK(schema, role, mode) object_aclcheck(NamespaceRelationId, schema, role, mode)
#else
#define CRM_QUALIFIED_NAME(text) stringToQualifiedNameList(text)
#define CRM_SCHEMA_ACLCHECK(schema, role, mode) pg_namespace_aclcheck(schema, role, mode)
#endif

/* 17 moved the statistics target of a column out of pg_attribute's copy. */
#if PG_VERSION_NUM >= 170000
#define CRM_STATISTICS_TARGET(stats) ((stats)->attstattarget)
#else
#define CRM_STATISTICS_TARGET(stats) ((stats)->attr->attstattarget)
#endif

/* 18 asks whether it is ANALYZE that may be slowed down. */
#if PG_VERSION_NUM >= 180000
#define CRM_ANALYZE_DELAY_POINT() vacuum_delay_point(true)
#else
#define CRM_ANALYZE_DELAY_POINT() vacuum_delay_point()
#endif

/* 16 can leave out indexes that only summarise. */
#if PG_VERSION_NUM >= 160000
#define CRM_INSERT_INDEX_TUPLES(info, slot, estate) \
	list_free(ExecInsertIndexTuples(info, slot, estate, false, false, NULL, NIL, false))
#else
#define CRM_INSERT_INDEX_TUPLES(info, slot, estate) \
	list_free(ExecInsertIndexTuples(info, slot, estate, false, false, NULL, NIL))
#endif

/* 16 tells more about which indexes an update concerns. */
#if PG_VERSION_NUM >= 160000
#define CrmUpdateIndexes TU_UpdateIndexes
#define CRM_NEEDS_INDEXES(indexes) ((indexes) != TU_None)
#else
#define CrmUpdateIndexes bool
#define CRM_NEEDS_INDEXES(indexes) (indexes)
#endif

/* 18 counts what an index scan does. */
#if PG_VERSION_NUM >= 180000
#define CRM_INDEX_BEGINSCAN(heap, index, snapshot, keys) index_beginscan(heap, index, snapshot, NULL, keys, 0)
#else
#define CRM_INDEX_BEGINSCAN(heap, index, snapshot, keys) index_beginscan(heap, index, snapshot, keys, 0)
#endif

/* 18 asks of a publication also for generated columns of the replica identity. */
#if PG_VERSION_NUM >= 180000
#define CRM_PUBLISHES_UPDATES(desc) ((desc)->rf_valid_for_update && (desc)->cols_valid_for_update && (desc)->gencols_valid_for_update)
#else
#define CRM_PUBLISHES_UPDATES(desc) ((desc)->rf_valid_for_update && (desc)->cols_valid_for_update)
#endif

/* 18 says first that a function does not return. */
#if PG_VERSION_NUM < 180000
#define pg_noreturn pg_attribute_noreturn()
#endif

/* 18 wants a name and version with the magic block; the version is crm.control's. */
#if PG_VERSION_NUM >= 180000
#define CRM_MODULE_MAGIC PG_MODULE_MAGIC_EXT(.name = "crm", .version = CRM_VERSION)
#else
#define CRM_MODULE_MAGIC PG_MODULE_MAGIC
#endif

#endif
