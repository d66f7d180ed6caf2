/*
 * points_post.h: what the files that post share.
 *
 * The life of a call: points_call.c is what SQL calls, and gives the parts of its
 * requests to points_request.c, which checks them.  points_account.c names the accounts
 * that they need and locks them in order.  points_post.c decides each request by the
 * law and the rules, records it, and saves the accounts.  What is refused is an answer in
 * a batch, and of a single posting an error of points_refusal.c.
 */
#ifndef CRM_POINTS_POST_H
#define CRM_POINTS_POST_H

#include "points_store.h"

#include "utils/date.h"

/* An operation as it was asked for. */
typedef struct Request
{
	char	   *request_id;
	int64		customer;
	int64		customer2;		/* 0: none */
	char	   *programme;
	char	   *ref;			/* NULL: none */
	char	   *reason;			/* NULL: none was given */
	int32		rule_version;	/* 0: none */
	CrmPointsOp op;
	CrmAccount *account;
	CrmAccount *other;			/* the receiver of a transfer */
} Request;

typedef struct Answer
{
	CrmPointsStatus status;
	int64		available;
	int64		held;
	int64		debt;
	Datum		breakdown;
	const char *field;			/* idem_conflict: which differs */
	const char *reason;			/* not_allowed: why; NULL: */
	int			persons;		/* behind a big adjustment, and there must be 2 */
} Answer;

/* Where the parts of a request stand, in a row or among arguments. */
typedef enum Part
{
	PART_REQUEST_ID,
	PART_BUSINESS_DATE,
	PART_OP,
	PART_CUSTOMER,
	PART_CUSTOMER2,
	PART_PROGRAMME,
	PART_AMOUNT,
	PART_EXPIRES_ON,
	PART_CLASS,
	PART_REF,
	PART_RULE_VERSION,			/* crm.points_ruled_op alone has it */
	ROW_PARTS,
	PART_REASON = ROW_PARTS,	/* single calls alone have it */
	PARTS
} Part;

typedef struct Accounts
{
	CrmStore	store;
	int			count;
	CrmAccount *account;		/* in the order in which everybody locks them */
} Accounts;

/* -- points_request.c -------------------------------------------------------------- */

/* What is lacking or wrong raises 22004, 22023 or 22008. */
extern void crm_points_read_request(const Datum *part, const bool *isnull, Request *r);
/* Rows of crm.points_op or crm.points_ruled_op. */
extern void crm_points_read_rows(Datum *elements, const bool *missing, int count, Request *requests);
extern char *crm_points_checked_programme(const text *input);
/* never_too: infinity is a day as well. */
extern int32 crm_points_checked_day(DateADT day, bool never_too);

/* -- points_account.c -------------------------------------------------------------- */

/* Requests know their accounts then; is_hopeful: a single one may be read without a lock. */
extern void crm_points_open_accounts(Accounts *accounts, Request *requests, int count, bool is_hopeful);
/* Whoever changes how a customer stands meets whoever opens an account for him here. */
extern void crm_points_lock_stripes(CrmStore *store, const bool wanted[CRM_STRIPES]);
/* Again after a hope that failed. */
extern void crm_points_lock_accounts(Accounts *accounts);

/* -- points_post.c ----------------------------------------------------------------- */

/* raise: a refusal is an error; else it stands in the answer. */
extern void crm_points_run_requests(Request *requests, int count, Answer *answers, bool raise);
/* Posts what is past its day of one account; false when nothing was. */
extern bool crm_points_run_expiry(Request *r);
/* Lots come or go as they are said to; the number of the entry. */
extern int64 crm_points_run_shift(Request *r, CrmPointsKind kind, const CrmLedger *change, int64 counterparty);

/* -- points_refusal.c -------------------------------------------------------------- */

/* Returns when the answer is no refusal. */
extern void crm_points_report_refusal(const Request *r, const Answer *answer);

#endif							/* CRM_POINTS_POST_H */
