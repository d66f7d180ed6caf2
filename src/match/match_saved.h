/*
 * match_saved.h: the statements by which one record is found, added and taken out.
 *
 * They are prepared once in a session.  Whoever runs one is crm_owner
 * (crm_match_owner_begin()), and has SPI connected.
 */
#ifndef CRM_MATCH_SAVED_H
#define CRM_MATCH_SAVED_H

#include "crm.h"

typedef enum Statement
{
	MODEL_VERSION,
	KEYS_ADDED,
	RECORDS_ADDED,
	ANY_GONE,
	GONE,
	ID_ADDED,
	WENT_INTO,
	MEMBERS,
	NEXT_RECORD,
	NEXT_CLUSTER,
	ADD_RECORD,
	ADD_KEYS,
	ADD_PAIRS,
	SET_CLUSTER,
	ADD_GONE,
	DROP_KEYS,
	DROP_RECORD,
	DROP_PAIRS,
	MOVE_RECORD,
	ANY_JUDGED,
	JUDGED_OF,
	JUDGED_AMONG,
	PARTED,
	STATEMENTS
} Statement;

/* How many rows there are; they are in SPI_tuptable. */
extern uint64 crm_match_saved(Statement which, Datum *values, const char *nulls);
/* A bigint of what the last one answered. */
extern int64 crm_match_saved_number(uint64 row, int column);
extern Datum crm_match_int8_array(const int64 *values, int count);

#endif							/* CRM_MATCH_SAVED_H */
