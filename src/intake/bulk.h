/*
 * bulk.h: many rows into one table at once, from a query.
 */
#ifndef CRM_BULK_H
#define CRM_BULK_H

#include "executor/spi.h"

/* A table and the query that fills some of its columns, in this order. */
typedef struct CrmBulkTarget
{
	const char *table;			/* in schema crm_data */
	const char *columns;		/* customer_code, name */
	const char *query;
} CrmBulkTarget;

/*
 * Insert what the query gives, as INSERT INTO table (columns) query would.
 * parents are tables (crm_data) into which this call has put the rows that
 * these rows refer to.  met_trigger names an insert trigger whose rule the
 * caller has checked, or is null.  Inside an SPI connection; plan is the caller's place to
 * keep the prepared query.
 */
extern void crm_bulk_insert(const CrmBulkTarget *target, const char *const *parents,
							const char *met_trigger, SPIPlanPtr *query_plan,
							SPIPlanPtr *insert_plan);

/* Prepare once a session. */
extern SPIPlanPtr crm_bulk_prepare(SPIPlanPtr *plan, const char *query, int nargs, Oid *types);

#endif
