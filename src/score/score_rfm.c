/*
 * score_rfm.c: recency, frequency and monetary value of customers, and their scores.
 *
 * The query's rows go straight from the executor into a table of customers: nothing is
 * sorted by customer, and no row is copied.
 */
#include "score/score_fit.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "common/int.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "tcop/dest.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "compat.h"
#include "score/score_stat_core.h"

typedef struct Customer
{
	Datum		key;
	int64		units;			/* of 0.0001, exactly: equal sums of decimal amounts are ties */
	double		monetary;		/* amounts that are no such units */
	double		rest;			/* what rounding took from their sum */
	uint32		hash;
	int32		recency;
	uint32		frequency;
	char		status;
} Customer;

typedef struct Purchase
{
	Datum		key;
	int64		units;
	double		amount;
	int32		days;
} Purchase;

/* So many purchases are held back, until their customers have come from memory. */
#define WAITING 64

typedef struct CustomerKeys
{
	bool		is_text;
} CustomerKeys;

static bool
same_customer(bool is_text, Datum a, Datum b)
{
	text	   *p;
	text	   *q;

	if (!is_text)
		return a == b;
	p = (text *) DatumGetPointer(a);
	q = (text *) DatumGetPointer(b);
	return VARSIZE_ANY_EXHDR(p) == VARSIZE_ANY_EXHDR(q) && memcmp(VARDATA_ANY(p), VARDATA_ANY(q), VARSIZE_ANY_EXHDR(p)) == 0;
}

static uint32
hash_customer(bool is_text, Datum key)
{
	uint64		mixed = (uint64) key * UINT64CONST(0x9E3779B97F4A7C15);
	text	   *name = (text *) DatumGetPointer(key);

	return is_text ? hash_bytes((unsigned char *) VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name)) : (uint32) (mixed >> 32);
}

#define IS_TEXT(table) (((CustomerKeys *) (table)->private_data)->is_text)
#define SH_PREFIX crm_customers
#define SH_ELEMENT_TYPE Customer
#define SH_KEY_TYPE Datum
#define SH_KEY key
#define SH_HASH_KEY(table, key) hash_customer(IS_TEXT(table), key)
#define SH_EQUAL(table, a, b) same_customer(IS_TEXT(table), a, b)
#define SH_STORE_HASH
#define SH_GET_HASH(table, entry) (entry)->hash
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

typedef struct RfmReceiver
{
	DestReceiver pub;
	MemoryContext context;
	crm_customers_hash *customers;
	Size		bytes;			/* of keys */
	Purchase	waiting[WAITING];
	int			count;
	Oid			key_type;
	bool		is_numeric;		/* the amount's type, else float8 */
} RfmReceiver;

/*
 * A numeric in units of 0.0001, the size of its last digit of base 10000 then. False for
 * one with more decimals or beyond 10^12, or that is not finite: those are taken as float8.
 */
static bool
numeric_units(struct varlena *numeric, int64 *units)
{
	const char *at = VARDATA_ANY(numeric);
	int			digits = ((int) VARSIZE_ANY_EXHDR(numeric) - 2) / 2;
	uint16		header;
	int			weight;

	memcpy(&header, at, sizeof(header));
	/* The short form of numeric.c: sign 0x2000, weight in the low seven bits. */
	if ((header & 0xC000) != 0x8000)
		return false;
	weight = header & 0x40 ? (int) (header & 0x3F) - 64 : (int) (header & 0x3F);
	if (digits > 0 && (weight > 2 || digits - 1 - weight > 1))
		return false;
	*units = 0;
	for (int i = 0; i < digits; i++)
	{
		int16		digit;

		memcpy(&digit, at + 2 + 2 * i, sizeof(digit));
		*units = *units * 10000 + digit;
	}
	for (int i = digits - 1 - weight; digits > 0 && i < 1; i++)
		*units *= 10000;
	if (header & 0x2000)
		*units = -*units;
	return true;
}

static void
take_amount(bool is_numeric, Datum value, Purchase *purchase)
{
	struct varlena *numeric;

	purchase->units = 0;
	purchase->amount = 0;
	if (is_numeric)
	{
		numeric = PG_DETOAST_DATUM_PACKED(value);
		if (!numeric_units(numeric, &purchase->units))
			purchase->amount = DatumGetFloat8(DirectFunctionCall1(numeric_float8, PointerGetDatum(numeric)));
	}
	else
		purchase->amount = DatumGetFloat8(value);
	crm_score_finite(purchase->amount, "an amount");
}

static Customer *
find_customer(RfmReceiver *self, Datum key)
{
	bool		found;
	Customer   *customer = crm_customers_insert(self->customers, key, &found);

	if (found)
		return customer;
	if (IS_TEXT(self->customers))
	{
		text	   *name = (text *) DatumGetPointer(key);

		customer->key = PointerGetDatum(MemoryContextAlloc(self->context, VARSIZE_ANY(name)));
		memcpy(DatumGetPointer(customer->key), name, VARSIZE_ANY(name));
		self->bytes += VARSIZE_ANY(name);
	}
	customer->recency = PG_INT32_MAX;
	customer->frequency = 0;
	customer->units = 0;
	customer->monetary = customer->rest = 0;
	crm_score_room(self->bytes + (Size) self->customers->size * sizeof(Customer));
	return customer;
}

/* Neumaier's sum: of equal purchases in any order the same sum, so ties stay ties. */
static void
add_amount(Customer *customer, double amount)
{
	double		sum = customer->monetary + amount;

	if (!isfinite(sum))
		float_overflow_error();

	if (fabs(customer->monetary) >= fabs(amount))
		customer->rest += (customer->monetary - sum) + amount;
	else
		customer->rest += (amount - sum) + customer->monetary;
	customer->monetary = sum;
}

static void
add_purchase(RfmReceiver *self, const Purchase *purchase)
{
	Customer   *customer = find_customer(self, purchase->key);

	customer->recency = Min(customer->recency, purchase->days);
	customer->frequency++;
	if (pg_add_s64_overflow(customer->units, purchase->units, &customer->units))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("purchases of a customer out of range"),
				 errdetail("Their sum is beyond 900000000000000."),
				 errhint("Give amounts in a larger unit.")));
	add_amount(customer, purchase->amount);
}

static double
monetary_of(const Customer *customer)
{
	return (double) customer->units / 10000 + (customer->monetary + customer->rest);
}

/* Customers lie anywhere: waiting for each in turn was three quarters of the time. */
static void
add_waiting(RfmReceiver *self)
{
	crm_customers_hash *customers = self->customers;

	for (int i = 0; i < self->count; i++)
		__builtin_prefetch(&customers->data[hash_customer(false, self->waiting[i].key) & customers->sizemask], 1);
	for (int i = 0; i < self->count; i++)
		add_purchase(self, &self->waiting[i]);
	self->count = 0;
	CHECK_FOR_INTERRUPTS();
}

/* The name is the executor's until the next row: taken at once. */
static void
add_named(RfmReceiver *self, Purchase *purchase, Datum name)
{
	purchase->key = PointerGetDatum(PG_DETOAST_DATUM_PACKED(name));
	add_purchase(self, purchase);
	if (purchase->key != name)
		pfree(DatumGetPointer(purchase->key));
}

static bool
rfm_receive(TupleTableSlot *slot, DestReceiver *receiver)
{
	RfmReceiver *self = (RfmReceiver *) receiver;
	Purchase   *purchase = &self->waiting[self->count];
	Datum	   *value = slot->tts_values;

	slot_getallattrs(slot);
	if (slot->tts_isnull[0] || slot->tts_isnull[1] || slot->tts_isnull[2])
		return true;
	purchase->days = DatumGetInt32(value[1]);
	if (purchase->days < 0)
		return true;
	take_amount(self->is_numeric, value[2], purchase);
	if (IS_TEXT(self->customers))
	{
		add_named(self, purchase, value[0]);
		return true;
	}
	purchase->key = value[0];
	if (++self->count == WAITING)
		add_waiting(self);
	return true;
}

/* Values are taken as they are, so their types must be what we say. */
static void
require_purchases(Oid key_type, TupleDesc description)
{
	bool		fit = description != NULL && description->natts == 3 && (key_type == TEXTOID || get_typbyval(key_type));

	fit = fit && TupleDescAttr(description, 0)->atttypid == key_type && TupleDescAttr(description, 1)->atttypid == INT4OID &&
		(TupleDescAttr(description, 2)->atttypid == FLOAT8OID || TupleDescAttr(description, 2)->atttypid == NUMERICOID);
	crm_score_require_columns(fit, "the customer, a text or of a type held by value; days ago, integer; and the amount, float8 or numeric");
}

static void
rfm_startup(DestReceiver *receiver, int operation, TupleDesc description)
{
	RfmReceiver *self = (RfmReceiver *) receiver;
	CustomerKeys *keys = MemoryContextAlloc(self->context, sizeof(CustomerKeys));

	require_purchases(self->key_type, description);
	keys->is_text = self->key_type == TEXTOID;
	self->is_numeric = TupleDescAttr(description, 2)->atttypid == NUMERICOID;
	self->customers = crm_customers_create(self->context, 1024, keys);
}

static void
rfm_nothing(DestReceiver *receiver)
{
}

/* -- scores: ceil(n × cume_dist()), exactly, by the values at which it steps ----------------- */

typedef struct Cuts
{
	int			count;
	double		at[100];
} Cuts;

static double
measure_of(const Customer *customer, int measure)
{
	switch (measure)
	{
		case 0:
			return -(double) customer->recency;
		case 1:
			return (double) customer->frequency;
		default:
			return monetary_of(customer);
	}
}

static Cuts
find_cuts(crm_customers_hash *customers, int measure, int quantiles)
{
	Size		n = customers->members;
	uint64_t   *keys = MemoryContextAllocHuge(CurrentMemoryContext, Max(n, 1) * sizeof(uint64_t));
	uint64_t   *spare = MemoryContextAllocHuge(CurrentMemoryContext, Max(n, 1) * sizeof(uint64_t));
	crm_customers_iterator i;
	Customer   *customer;
	Cuts		cuts = {quantiles - 1, {0}};
	Size		k = 0;

	crm_customers_start_iterate(customers, &i);
	while ((customer = crm_customers_iterate(customers, &i)) != NULL)
		keys[k++] = crm_score_key(measure_of(customer, measure));
	crm_score_sort(keys, spare, n);
	/* More than q/quantiles of the customers are at or below v exactly when v is at or above this one. */
	for (int q = 1; q < quantiles && n > 0; q++)
		cuts.at[q - 1] = crm_score_value(keys[q * n / quantiles]);
	pfree(keys);
	pfree(spare);
	return cuts;
}

static Datum
score_of(const Cuts *cuts, double value)
{
	int			score = 1;

	for (int k = 0; k < cuts->count; k++)
		score += value >= cuts->at[k];
	return Int32GetDatum(score);
}

static void
put_customers(crm_customers_hash *customers, int quantiles, Oid key_type, ReturnSetInfo *result)
{
	Cuts		cuts[3];
	crm_customers_iterator i;
	Customer   *customer;
	FmgrInfo	output;
	Oid			function;
	bool		varlena;
	bool		nulls[7] = {0};

	for (int measure = 0; measure < 3; measure++)
		cuts[measure] = find_cuts(customers, measure, quantiles);
	getTypeOutputInfo(key_type, &function, &varlena);
	fmgr_info(function, &output);
	crm_customers_start_iterate(customers, &i);
	while ((customer = crm_customers_iterate(customers, &i)) != NULL)
	{
		Datum		values[7];
		void	   *name = IS_TEXT(customers) ? NULL : cstring_to_text(OutputFunctionCall(&output, customer->key));

		values[0] = name == NULL ? customer->key : PointerGetDatum(name);
		values[1] = Int32GetDatum(customer->recency);
		values[2] = Int64GetDatum((int64) customer->frequency);
		values[3] = Float8GetDatum(monetary_of(customer));
		for (int measure = 0; measure < 3; measure++)
			values[4 + measure] = score_of(&cuts[measure], measure_of(customer, measure));
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
		if (name != NULL)
			pfree(name);
		CHECK_FOR_INTERRUPTS();
	}
}

/* crm.rfm_solve(query, quantiles): the query gives customer, days ago, amount. */
PG_FUNCTION_INFO_V1(crm_rfm_solve);
Datum
crm_rfm_solve(PG_FUNCTION_ARGS)
{
	char	   *query = text_to_cstring(PG_GETARG_TEXT_PP(0));
	int			quantiles = PG_GETARG_INT32(1);
	RfmReceiver receiver = {
		.pub = {rfm_receive, rfm_startup, rfm_nothing, rfm_nothing, DestNone},
		.context = AllocSetContextCreate(CurrentMemoryContext, "rfm customers", ALLOCSET_DEFAULT_SIZES),
		.key_type = PG_GETARG_OID(2)
	};
	SPIExecuteOptions options = {.read_only = true, .dest = (DestReceiver *) &receiver};

	if (quantiles < 2 || quantiles > 100)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("number of scores out of range"),
				 errdetail("There are from 2 to 100 scores."),
				 errhint("5 makes quintiles.")));
	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	SPI_execute_extended(query, &options);
	if (receiver.customers == NULL)
		require_purchases(receiver.key_type, NULL);
	add_waiting(&receiver);
	SPI_finish();
	put_customers(receiver.customers, quantiles, receiver.key_type, (ReturnSetInfo *) fcinfo->resultinfo);
	MemoryContextDelete(receiver.context);
	return (Datum) 0;
}
