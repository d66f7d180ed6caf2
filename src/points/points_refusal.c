/*
 * points_refusal.c: refusals of single postings as errors.
 *
 * One place for each status: its SQLSTATE, what is wrong, and what to do next.  Statuses
 * themselves are the law's (points_law_core.c) and points_post.c's.
 */
#include "points_post.h"

static void
report_lack_of_approval(const Request *r, int persons)
{
	if (persons == 1)
		ereport(ERROR,
				(errcode(ERRCODE_CRM_FOUR_EYES),
				 errmsg("who approves an adjustment of points cannot post it"),
				 errdetail("Request %s.", r->request_id)));
	ereport(ERROR,
			(errcode(ERRCODE_CRM_APPROVAL_REQUIRED),
			 errmsg("an adjustment of this size must be approved first"),
			 errdetail("Request %s: the limit is " INT64_FORMAT ".", r->request_id, r->account->programme->adjust_limit),
			 errhint("Another person calls crm.points_approve_adjustment() for this request and amount.")));
}

typedef struct Refusal
{
	int			code;			/* SQLSTATE */
	const char *message;
	const char *hint;			/* NULL: nothing is to be done */
} Refusal;

static const Refusal refusals[CRM_POINTS_STATUSES] = {
	[CRM_POINTS_BAD_AMOUNT] = {ERRCODE_INVALID_PARAMETER_VALUE, "bad_amount: an amount of points must be a positive whole number",
	"An adjustment may be negative, but not 0; a reversal without an amount takes all that remains."},
	[CRM_POINTS_INSUFFICIENT] = {ERRCODE_CRM_NOT_ENOUGH_POINTS, "insufficient: not enough points",
	"Take less, or release what is held."},
	[CRM_POINTS_NOT_FOUND] = {ERRCODE_NO_DATA_FOUND, "not_found: no such posting or account of points",
	"ref names a posting of the same customer and programme that can be reversed, unfrozen or captured."},
	[CRM_POINTS_OVER_REVERSAL] = {ERRCODE_CRM_POINTS_OVER_REVERSAL, "over_reversal: more than remains of the posting",
	"Leave the amount out to take all that remains."},
	[CRM_POINTS_IDEM_CONFLICT] = {ERRCODE_CRM_CONFLICT, "idem_conflict: the request id was used with another ",
	"A new request needs an id of its own."},
	[CRM_POINTS_ALREADY_EXPIRED] = {ERRCODE_CRM_DEADLINE, "already_expired: points cannot be given that are past their last day", NULL},
	[CRM_POINTS_EXPIRED] = {ERRCODE_CRM_POINTS_EXPIRED, "expired: the credit is past its last day and cannot be taken back", NULL},
	[CRM_POINTS_LOCKED] = {ERRCODE_CRM_POINTS_LOCKED, "locked: the points account is locked",
	"crm.points_unlock() opens it again."},
	[CRM_POINTS_BELOW_MIN] = {ERRCODE_CRM_POINTS_BELOW_MIN, "below_min: less than the least redemption", NULL},
	[CRM_POINTS_SAME_ACCOUNT] = {ERRCODE_CRM_POINTS_SAME_ACCOUNT, "same_account: points cannot be transferred to the account they are in", NULL},
	[CRM_POINTS_NOT_ALLOWED] = {ERRCODE_CRM_POINTS_NOT_ALLOWED, "not_allowed: the rules of the points programme do not allow this", NULL},
};

/* What of this request is to be known: its name, and the numbers that refused it. */
static const char *
detail_of(const Request *r, const Answer *answer)
{
	switch (answer->status)
	{
		case CRM_POINTS_INSUFFICIENT:
			return psprintf("Request %s: available " INT64_FORMAT ", held " INT64_FORMAT ", debt " INT64_FORMAT ".",
							r->request_id, answer->available, answer->held, answer->debt);
		case CRM_POINTS_BELOW_MIN:
			return psprintf("Request %s: the least is " INT64_FORMAT ".", r->request_id, r->account->programme->rules.redeem_min);
		case CRM_POINTS_NOT_ALLOWED:
			return psprintf("Request %s: %s.", r->request_id, answer->reason);
		default:
			return psprintf("Request %s.", r->request_id);
	}
}

void
crm_points_report_refusal(const Request *r, const Answer *answer)
{
	const Refusal *refusal = &refusals[answer->status];

	if (refusal->message == NULL)
		return;
	if (answer->status == CRM_POINTS_NOT_ALLOWED && answer->reason == NULL)
		report_lack_of_approval(r, answer->persons);
	ereport(ERROR,
			(errcode(refusal->code),
			 errmsg("%s%s", refusal->message, answer->status == CRM_POINTS_IDEM_CONFLICT ? answer->field : ""),
			 errdetail("%s", detail_of(r, answer)),
			 refusal->hint != NULL ? errhint("%s", refusal->hint) : 0));
}
