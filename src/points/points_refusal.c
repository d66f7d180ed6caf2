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

void
crm_points_report_refusal(const Request *r, const Answer *answer)
{
	const char *id = r->request_id;

	switch (answer->status)
	{
		case CRM_POINTS_BAD_AMOUNT:
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("bad_amount: an amount of points must be a positive whole number"),
							errdetail("Request %s.", id),
							errhint("An adjustment may be negative, but not 0; a reversal without an amount takes all that remains.")));
			break;
		case CRM_POINTS_INSUFFICIENT:
			ereport(ERROR, (errcode(ERRCODE_CRM_NOT_ENOUGH_POINTS),
							errmsg("insufficient: not enough points"),
							errdetail("Request %s: available " INT64_FORMAT ", held " INT64_FORMAT ", debt " INT64_FORMAT ".",
									  id, answer->available, answer->held, answer->debt),
							errhint("Take less, or release what is held.")));
			break;
		case CRM_POINTS_NOT_FOUND:
			ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND),
							errmsg("not_found: no such posting or account of points"),
							errdetail("Request %s.", id),
							errhint("ref names a posting of the same customer and programme that can be reversed, unfrozen or captured.")));
			break;
		case CRM_POINTS_OVER_REVERSAL:
			ereport(ERROR, (errcode(ERRCODE_CRM_POINTS_OVER_REVERSAL),
							errmsg("over_reversal: more than remains of the posting"),
							errdetail("Request %s.", id),
							errhint("Leave the amount out to take all that remains.")));
			break;
		case CRM_POINTS_IDEM_CONFLICT:
			ereport(ERROR, (errcode(ERRCODE_CRM_CONFLICT),
							errmsg("idem_conflict: the request id was used with another %s", answer->field),
							errdetail("Request %s.", id),
							errhint("A new request needs an id of its own.")));
			break;
		case CRM_POINTS_ALREADY_EXPIRED:
			ereport(ERROR, (errcode(ERRCODE_CRM_DEADLINE),
							errmsg("already_expired: points cannot be given that are past their last day"),
							errdetail("Request %s.", id)));
			break;
		case CRM_POINTS_EXPIRED:
			ereport(ERROR, (errcode(ERRCODE_CRM_POINTS_EXPIRED),
							errmsg("expired: the credit is past its last day and cannot be taken back"),
							errdetail("Request %s.", id)));
			break;
		case CRM_POINTS_LOCKED:
			ereport(ERROR, (errcode(ERRCODE_CRM_POINTS_LOCKED),
							errmsg("locked: the points account is locked"),
							errdetail("Request %s.", id),
							errhint("crm.points_unlock() opens it again.")));
			break;
		case CRM_POINTS_BELOW_MIN:
			ereport(ERROR, (errcode(ERRCODE_CRM_POINTS_BELOW_MIN),
							errmsg("below_min: less than the least redemption"),
							errdetail("Request %s: the least is " INT64_FORMAT ".", id, r->account->programme->rules.redeem_min)));
			break;
		case CRM_POINTS_SAME_ACCOUNT:
			ereport(ERROR, (errcode(ERRCODE_CRM_POINTS_SAME_ACCOUNT),
							errmsg("same_account: points cannot be transferred to the account they are in"),
							errdetail("Request %s.", id)));
			break;
		case CRM_POINTS_NOT_ALLOWED:
			if (answer->reason == NULL)
				report_lack_of_approval(r, answer->persons);
			ereport(ERROR, (errcode(ERRCODE_CRM_POINTS_NOT_ALLOWED),
							errmsg("not_allowed: the rules of the points programme do not allow this"),
							errdetail("Request %s: %s.", id, answer->reason)));
			break;
		default:
			break;
	}
}
