/*
 * points_core.h: the points ledger as plain C: the vector, its bytes and text,
 * and the law of postings.
 *
 * Bytes of a ledger, version 1 (stored after the varlena length, sent as they
 * are, compared and hashed as they are, so that a value has one form only):
 *
 *   1 byte   version, 1
 *   varint   number of lots, at most 400
 *   zigzag   sum of the amounts of hold 0, the debt included
 *   then each lot, in order of hold, day, class:
 *   varint   4 * day + 2 * (hold differs from the lot before) + (class differs);
 *            day counted from the day of the lot before, or from the debt when
 *            the hold differs: 0 is debt, 1 is 0001-01-01, 3652060 is never
 *   varint   hold minus the hold before, where it differs
 *   1 byte, n bytes   the class, where it differs: its length and letters
 *   zigzag   amount, not 0
 *
 * varint: seven bits a byte, low ones first, the high bit says that more come,
 * no needless byte; zigzag: 2n for n >= 0, -2n-1 below.
 */
#ifndef CRM_POINTS_CORE_H
#define CRM_POINTS_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CRM_LEDGER_VERSION	1
#define CRM_LEDGER_LOTS		400
#define CRM_LEDGER_BYTES	7000	/* with its row it must fit a page */
#define CRM_CLASS_SIZE		16		/* up to 15 letters, padded with zeros */

/* Days are counted from 2000-01-01, as the server counts them. */
#define CRM_DAY_DEBT		INT32_MIN
#define CRM_DAY_NEVER		INT32_MAX
#define CRM_DAY_FIRST		(-730119)	/* 0001-01-01 */
#define CRM_DAY_LAST		2921939		/* 9999-12-31 */

typedef struct CrmLot
{
	int64_t		amount;
	int32_t		hold;			/* 0: available */
	int32_t		day;			/* last usable day */
	char		class[CRM_CLASS_SIZE];
} CrmLot;

typedef struct CrmLedger
{
	int32_t		count;
	CrmLot		lot[CRM_LEDGER_LOTS];
} CrmLedger;

typedef enum CrmLedgerFault
{
	CRM_LEDGER_OK,
	CRM_LEDGER_VERSION_UNKNOWN,
	CRM_LEDGER_CUT,
	CRM_LEDGER_TRAILING,
	CRM_LEDGER_NOT_CANONICAL,
	CRM_LEDGER_ORDER,
	CRM_LEDGER_ZERO,
	CRM_LEDGER_SUM,
	CRM_LEDGER_BRACES,
	CRM_LEDGER_AMOUNT,
	CRM_LEDGER_DATE,
	CRM_LEDGER_CLASS,
	CRM_LEDGER_HOLD,
	CRM_LEDGER_DEBT,
	CRM_LEDGER_OVERFLOW,		/* 22003 */
	CRM_LEDGER_FULL				/* 54000 */
} CrmLedgerFault;

extern const char *crm_ledger_reason(CrmLedgerFault fault);

/* The vector. */
extern void crm_ledger_copy(CrmLedger *to, const CrmLedger *from);
extern int	crm_lot_order(const CrmLot *a, const CrmLot *b);
extern CrmLedgerFault crm_ledger_change(CrmLedger *ledger, const CrmLot *key, int64_t amount);
extern CrmLedgerFault crm_ledger_combine(CrmLedger *sum, const CrmLedger *a, const CrmLedger *b, int sign);
extern int64_t crm_ledger_amount(const CrmLedger *ledger, const CrmLot *key);
extern bool crm_ledger_covers(const CrmLedger *a, const CrmLedger *b);

/* Questions; false when the answer does not fit. */
extern bool crm_ledger_available(const CrmLedger *ledger, int32_t as_of, int64_t *sum);
extern bool crm_ledger_expiring(const CrmLedger *ledger, int32_t until, int64_t *sum);
extern bool crm_ledger_held(const CrmLedger *ledger, int64_t *sum);
extern bool crm_ledger_debt(const CrmLedger *ledger, int64_t *sum);
extern bool crm_ledger_next_expiry(const CrmLedger *ledger, int32_t *day);

/* Bytes and text. */
extern CrmLedgerFault crm_ledger_encode(const CrmLedger *ledger, uint8_t bytes[CRM_LEDGER_BYTES], size_t *length);
extern CrmLedgerFault crm_ledger_decode(const uint8_t *bytes, size_t length, CrmLedger *ledger);
extern CrmLedgerFault crm_ledger_parse(const char *text, size_t length, CrmLedger *ledger);
extern CrmLedgerFault crm_class_parse(const char *text, size_t length, char class[CRM_CLASS_SIZE]);
#define CRM_LOT_TEXT		80		/* longest lot in words, with a comma */
extern size_t crm_ledger_format(const CrmLedger *ledger, char *text);	/* room: 3 + CRM_LOT_TEXT a lot */

/* -- the law ---------------------------------------------------------------- */

typedef enum CrmPointsKind
{
	CRM_POINTS_EARN,
	CRM_POINTS_GIFT,
	CRM_POINTS_REDEEM,
	CRM_POINTS_REVERSE_REDEEM,
	CRM_POINTS_REVERSE_EARN,
	CRM_POINTS_FREEZE,
	CRM_POINTS_UNFREEZE,
	CRM_POINTS_CAPTURE,
	CRM_POINTS_ADJUST,
	CRM_POINTS_TRANSFER,
	CRM_POINTS_LOCK,
	CRM_POINTS_UNLOCK,
	/* Written by other operations, never asked for. */
	CRM_POINTS_EXPIRE,
	CRM_POINTS_RECEIVE,
	CRM_POINTS_MERGE,
	CRM_POINTS_VOID,
	CRM_POINTS_KINDS
} CrmPointsKind;

typedef enum CrmPointsStatus
{
	CRM_POINTS_DONE,
	CRM_POINTS_REPLAY,
	CRM_POINTS_BAD_AMOUNT,
	CRM_POINTS_INSUFFICIENT,
	CRM_POINTS_NOT_FOUND,
	CRM_POINTS_OVER_REVERSAL,
	CRM_POINTS_IDEM_CONFLICT,
	CRM_POINTS_ALREADY_EXPIRED,
	CRM_POINTS_EXPIRED,
	CRM_POINTS_LOCKED,
	CRM_POINTS_BELOW_MIN,
	CRM_POINTS_SAME_ACCOUNT,
	CRM_POINTS_NOT_ALLOWED,		/* by a rule of the programme: never the law's answer */
	CRM_POINTS_STATUSES
} CrmPointsStatus;

extern const char *const crm_points_kind_name[CRM_POINTS_KINDS];
extern const char *const crm_points_status_name[CRM_POINTS_STATUSES];

typedef struct CrmPointsRules
{
	int64_t		redeem_min;
	bool		allow_debt;
	bool		auto_open;
} CrmPointsRules;

typedef struct CrmPointsOp
{
	CrmPointsKind kind;
	bool		has_amount;
	int64_t		amount;
	int32_t		expires_on;		/* credits */
	char		class[CRM_CLASS_SIZE];
	int32_t		business_date;
	bool		to_oneself;		/* transfers */
	bool		receiver_opens; /* transfers: whether the other account is there or may be opened */
	int32_t		hold;			/* freezes: number of the new hold */
} CrmPointsOp;

/* The posting that an operation refers to. */
typedef struct CrmPointsRef
{
	bool		found;			/* it is of the same account */
	CrmPointsKind kind;
	int64_t		amount;			/* as posted, with its sign */
	int64_t		reversed;		/* so far */
	int32_t		expires_on;		/* credits */
	char		class[CRM_CLASS_SIZE];
	int32_t		hold;			/* freezes */
	const CrmLedger *delta;
} CrmPointsRef;

typedef struct CrmPointsAccount
{
	bool		opened;
	bool		locked;
	CrmLedger	state;
} CrmPointsAccount;

/* What a posting does: three entries at most, each a delta. */
typedef struct CrmPointsOutcome
{
	CrmLedgerFault fault;		/* no refusal but an error: a number too big */
	int64_t		amount;			/* what was posted */
	CrmLedger	expired;		/* past its day before the operation */
	CrmLedger	delta;
	CrmLedger	lapsed;			/* given back past its day */
	CrmLedger	moved;			/* transfers: lots for the receiver */
	CrmPointsAccount after;
} CrmPointsOutcome;

extern CrmPointsStatus crm_points_apply(const CrmPointsRules *rules, const CrmPointsAccount *account,
										const CrmPointsOp *op, const CrmPointsRef *ref, CrmPointsOutcome *out);
extern void crm_points_receive(const CrmPointsAccount *account, const CrmLedger *moved,
							   int32_t business_date, CrmPointsOutcome *out);
extern void crm_points_expire(const CrmPointsAccount *account, int32_t business_date, CrmPointsOutcome *out);
extern void crm_points_shift(const CrmPointsAccount *account, const CrmLedger *change,
							 int32_t business_date, CrmPointsOutcome *out);
extern bool crm_points_is_credit(CrmPointsKind kind, int64_t amount);
extern bool crm_points_needs_ref(CrmPointsKind kind);

#endif
