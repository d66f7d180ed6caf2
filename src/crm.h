/*
 * crm.h: what all rooms share: the error codes and the few helpers that have
 * no room of their own.
 *
 * SQLSTATE class KH holds one code per reason; where a standard code fits
 * (23505, 42501, 22P02) it is used instead.  The Chinese and English meaning of
 * each is data: crm.error_code (src/core/core.sql).
 */
#ifndef CRM_H
#define CRM_H

#include "postgres.h"

#include "fmgr.h"
#include "utils/elog.h"

#include "compat.h"

#define ERRCODE_CRM_VALIDATION_FAILED	MAKE_SQLSTATE('K', 'H', '0', '0', '1')
#define ERRCODE_CRM_SUSPECTED_DUPLICATE	MAKE_SQLSTATE('K', 'H', '0', '0', '2')
#define ERRCODE_CRM_APPROVAL_REQUIRED	MAKE_SQLSTATE('K', 'H', '0', '0', '3')
#define ERRCODE_CRM_FOUR_EYES			MAKE_SQLSTATE('K', 'H', '0', '0', '4')
#define ERRCODE_CRM_CONSENT_MISSING		MAKE_SQLSTATE('K', 'H', '0', '0', '5')
#define ERRCODE_CRM_TRANSITION			MAKE_SQLSTATE('K', 'H', '0', '0', '6')
#define ERRCODE_CRM_DEADLINE			MAKE_SQLSTATE('K', 'H', '0', '0', '7')
#define ERRCODE_CRM_NOT_ENOUGH_POINTS	MAKE_SQLSTATE('K', 'H', '0', '0', '8')
#define ERRCODE_CRM_CREDENTIAL_LOCKED	MAKE_SQLSTATE('K', 'H', '0', '0', '9')
#define ERRCODE_CRM_ARCHIVED			MAKE_SQLSTATE('K', 'H', '0', '1', '0')
#define ERRCODE_CRM_LEGAL_HOLD			MAKE_SQLSTATE('K', 'H', '0', '1', '1')
#define ERRCODE_CRM_KEY_UNAVAILABLE		MAKE_SQLSTATE('K', 'H', '0', '1', '2')
#define ERRCODE_CRM_CODE_SPACE			MAKE_SQLSTATE('K', 'H', '0', '1', '3')
#define ERRCODE_CRM_CONFLICT			MAKE_SQLSTATE('K', 'H', '0', '1', '4')
#define ERRCODE_CRM_QUALIFICATION		MAKE_SQLSTATE('K', 'H', '0', '1', '5')
#define ERRCODE_CRM_EXPORT_NOT_APPROVED	MAKE_SQLSTATE('K', 'H', '0', '1', '6')
/* Refusals of room points that no code above tells apart. */
#define ERRCODE_CRM_POINTS_OVER_REVERSAL	MAKE_SQLSTATE('K', 'H', 'P', '0', '1')
#define ERRCODE_CRM_POINTS_EXPIRED		MAKE_SQLSTATE('K', 'H', 'P', '0', '2')
#define ERRCODE_CRM_POINTS_LOCKED		MAKE_SQLSTATE('K', 'H', 'P', '0', '3')
#define ERRCODE_CRM_POINTS_BELOW_MIN	MAKE_SQLSTATE('K', 'H', 'P', '0', '4')
#define ERRCODE_CRM_POINTS_SAME_ACCOUNT	MAKE_SQLSTATE('K', 'H', 'P', '0', '5')
#define ERRCODE_CRM_POINTS_NOT_ALLOWED	MAKE_SQLSTATE('K', 'H', 'P', '0', '7')

/* Settings that more than one room reads; crm.c defines them. */
extern char *crm_timezone;		/* the company's time zone, an IANA name */

/* Today in the company's time zone, at the start of this transaction. */
extern int32 crm_company_today(void);

/* Each room's share of _PG_init: its settings, callbacks and hooks. */
extern void crm_core_init(void);
extern void crm_pii_init(void);
extern void crm_points_init(void);
extern void crm_match_init(void);
extern void crm_score_fit_init(void);
extern void crm_score_init(void);

#endif
