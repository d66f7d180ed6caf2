/*
 * match_cn_address_core.c: comparison kind cn_address.  An address is compared as
 * the tuple that it is (district, road, number, building, unit, room), never as a
 * string: 3号楼2单元501室 and 3-2-501 are one door, and 502 beside it is another.
 */
#include "ident/ident_core.h"
#include "match_cn_core.h"
#include "match_pinyin_core.h"
#include "match_text_core.h"

#define ADDRESS_BYTES 960
#define DETAIL_POINTS 256
#define ROAD_LEAST 3			/* characters of a road, its kind included */
#define ROAD_KEY 4				/* characters at its end that stand for it in keys */
#define ROAD_POINTS 8			/* characters at its end that are compared */

typedef enum AddressLevel
{
	ADDRESS_MISSING,
	ADDRESS_DOOR,
	ADDRESS_HOUSE,
	ADDRESS_PART,
	ADDRESS_NEIGHBOUR,
	ADDRESS_STREET,
	ADDRESS_DISTRICT,
	ADDRESS_CITY,
	ADDRESS_DIFFERENT
} AddressLevel;

static const char *const address_level[] = {
	"missing", "door", "house", "part", "neighbour", "street", "district", "city", "different", NULL
};

typedef enum AddressFamily
{
	FAMILY_DOOR,
	FAMILY_PLACE,
	FAMILY_ROOM,
	FAMILY_REST
} AddressFamily;

static const char *const address_family[] = {"door", "place", "room", "rest", NULL};

/* The prepared value. */
typedef struct AddressValue
{
	uint64_t	road;			/* sound of its end, 0 when there is none */
	uint64_t	rest;			/* sound of the estate or what else is left, 0 for nothing */
	int32_t		division;		/* 0 when unknown */
	uint32_t	number;			/* 0 each when not given */
	uint32_t	building;
	uint32_t	unit;
	uint32_t	room;
	uint16_t	tail[ROAD_POINTS];	/* sounds of the road, the last first; 0 ends */
} AddressValue;

/* Reading the detail */

/* What a number counts, by the characters that follow it. */
typedef enum Counter
{
	COUNT_NOTHING,				/* other text */
	COUNT_END,
	COUNT_DASH,
	COUNT_NUMBER,
	COUNT_LANE,
	COUNT_BUILDING,
	COUNT_UNIT,
	COUNT_FLOOR,
	COUNT_ROOM
} Counter;

typedef struct CounterWord
{
	uint16_t	word[3];		/* ends with 0 */
	uint8_t		counter;
} CounterWord;

/* Longer words first: 号楼 before 号. */
static const CounterWord counter_word[] = {
	{{0x53F7, 0x697C, 0}, COUNT_BUILDING},	/* 号楼 */
		{{0x53F7, 0x623F, 0}, COUNT_ROOM},	/* 号房 */
	{{0x53F7, 0x5BA4, 0}, COUNT_ROOM},	/* 号室 */
	{{0x53F7, 0x680B, 0}, COUNT_BUILDING},	/* 号栋 */
	{{0x53F7, 0x5E62, 0}, COUNT_BUILDING},	/* 号幢 */
	{{0x5355, 0x5143, 0}, COUNT_UNIT},	/* 单元 */
	{{0x53F7, 0, 0}, COUNT_NUMBER},
	{{0x5F04, 0, 0}, COUNT_LANE},	/* 弄 */
	{{0x680B, 0, 0}, COUNT_BUILDING},	/* 栋 */
	{{0x5E62, 0, 0}, COUNT_BUILDING},	/* 幢 */
	{{0x5EA7, 0, 0}, COUNT_BUILDING},	/* 座 */
	{{0x95E8, 0, 0}, COUNT_UNIT},	/* 门 */
	{{0x68AF, 0, 0}, COUNT_UNIT},	/* 梯 */
	{{0x5BA4, 0, 0}, COUNT_ROOM},	/* 室 */
	{{0x623F, 0, 0}, COUNT_ROOM},	/* 房 */
	{{0x6237, 0, 0}, COUNT_ROOM},	/* 户 */
	{{0x5C42, 0, 0}, COUNT_FLOOR},	/* 层 */
	{{0x697C, 0, 0}, COUNT_FLOOR},	/* 楼 */
};

/* Two characters that sound like a counter of two: 单苑 is typed for 单元. */
static Counter
counter_by_sound(const uint32_t *points, size_t count, size_t at)
{
	for (size_t i = 0; at + 2 <= count && counter_word[i].word[1] != 0; i++)
	{
		const uint16_t *word = counter_word[i].word;

		if (crm_pinyin(points[at]) == crm_pinyin(word[0]) && crm_pinyin(points[at + 1]) == crm_pinyin(word[1]))
			return (Counter) counter_word[i].counter;
	}
	return COUNT_NOTHING;
}

static Counter
counter_at(const uint32_t *points, size_t count, size_t at, size_t *used)
{
	*used = 0;
	if (at >= count)
		return COUNT_END;
	if ((points[at] == '-' || points[at] == '#' || points[at] == '/') && at + 1 < count &&
		points[at + 1] < 0x80 && points[at + 1] >= '0' && points[at + 1] <= '9')
	{
		*used = 1;
		return COUNT_DASH;
	}
	if (points[at] == '#')
	{
		*used = 1;
		return COUNT_BUILDING;
	}
	for (size_t i = 0; i < sizeof(counter_word) / sizeof(counter_word[0]); i++)
	{
		const uint16_t *word = counter_word[i].word;
		size_t		length = word[1] == 0 ? 1 : 2;

		if (at + length <= count && points[at] == word[0] && (length == 1 || points[at + 1] == word[1]))
		{
			*used = length;
			return (Counter) counter_word[i].counter;
		}
	}
	*used = counter_by_sound(points, count, at) != COUNT_NOTHING ? 2 : 0;
	return counter_by_sound(points, count, at);
}

/* A Chinese numeral's digit; 10 and 100 for 十 and 百, -1 for none. */
static int
chinese_digit(uint32_t point)
{
	static const uint16_t digit[] = {
		0x96F6, 0x4E00, 0x4E8C, 0x4E09, 0x56DB, 0x4E94, 0x516D, 0x4E03, 0x516B, 0x4E5D
	};

	if (point == 0x5341)
		return 10;
	if (point == 0x767E)
		return 100;
	if (point == 0x3007)
		return 0;
	if (point == 0x4E24)
		return 2;
	for (int i = 0; i < 10; i++)
	{
		if (digit[i] == point)
			return i;
	}
	return -1;
}

/* The value of a run of Chinese numerals, 二十二 or 一二〇三; its length in characters. */
static size_t
chinese_number(const uint32_t *points, size_t count, size_t at, uint32_t *value)
{
	uint32_t	total = 0;
	uint32_t	pending = 0;
	bool		places = false;
	size_t		i = at;

	for (; i < count && i < at + 8; i++)
	{
		int			digit = chinese_digit(points[i]);

		if (digit < 0)
			break;
		if (digit >= 10)
		{
			total += (pending == 0 ? 1 : pending) * (uint32_t) digit;
			pending = 0;
			places = true;
		}
		else
			pending = places ? (uint32_t) digit : pending * 10 + (uint32_t) digit;
	}
	*value = total + pending;
	return i - at;
}

/*
 * A number at a place: digits, a letter with digits (A座, B12栋), or Chinese numerals
 * when they count something; 五一路 is a road.  Its length in characters, 0 for none.
 */
static size_t
number_at(const uint32_t *points, size_t count, size_t at, uint32_t *value)
{
	size_t		i = at;
	size_t		skip;
	uint32_t	letter = 0;

	*value = 0;
	if (points[i] >= 'a' && points[i] <= 'z')
		letter = points[i++] - 'a' + 1;
	while (i < count && points[i] >= '0' && points[i] <= '9' && i < at + 9)
		*value = *value * 10 + (points[i++] - '0');
	if (letter > 0)
	{
		*value += letter * 1000000;
		return counter_at(points, count, i, &skip) >= COUNT_DASH ? i - at : 0;
	}
	if (i > at)
		return i - at;
	i = chinese_number(points, count, at, value);
	return i > 0 && *value > 0 && counter_at(points, count, at + i, &skip) > COUNT_DASH ? i : 0;
}

/* 3-2-501 is building, unit, room; 3-501 leaves the unit out. */
static void
place_dashed(AddressValue *value, const uint32_t *dashed, int count, Counter counter)
{
	if (counter == COUNT_NUMBER && count == 2 && value->number == 0)
	{
		value->number = dashed[0] * 1000 + dashed[1];
		return;
	}
	if (count == 2 && value->building != 0)
		value->unit = dashed[0];
	else if (value->building == 0)
		value->building = dashed[0];
	if (count > 2)
		value->unit = dashed[1];
	value->room = dashed[count - 1];
}

static void
place_number(AddressValue *value, uint32_t number, Counter counter)
{
	uint32_t   *place = NULL;

	if (counter == COUNT_LANE || (counter == COUNT_NUMBER && value->number == 0))
		place = &value->number;
	else if (counter == COUNT_BUILDING || (counter == COUNT_NUMBER && value->building == 0))
		place = &value->building;
	else if (counter == COUNT_UNIT)
		place = &value->unit;
	else if (counter == COUNT_ROOM || counter == COUNT_NUMBER)
		place = &value->room;
	else if (counter != COUNT_FLOOR)
		place = value->number == 0 && value->building == 0 ? &value->number : &value->room;
	if (place != NULL && *place == 0)
		*place = number;
}

/* What ends a place that is no road: a road begins behind it. */
static bool
ends_place(uint32_t point)
{
	return point == 0x9547 || point == 0x4E61 || point == 0x533A || point == 0x53BF || point == 0x5E02 ||
		point == 0x573A || point == 0x5382;
}

/* The sound of a character, softened; other characters get numbers above the syllables'. */
static uint16_t
sound_of(uint32_t point)
{
	int			syllable = crm_pinyin_soft(crm_pinyin(point));

	return (uint16_t) (syllable != 0 ? syllable : 1024 + (int) (point % 1024));
}

/*
 * Hash of a name by its sound: roads and estates are written by ear, and in one
 * district two of one sound are rare.
 */
static uint64_t
sound_hash(const uint32_t *points, size_t count, uint64_t seed)
{
	uint64_t	hash = seed;

	for (size_t i = 0; i < count; i++)
		hash = crm_match_mix(hash + sound_of(points[i]));
	return count == 0 ? 0 : hash | 1;
}

/*
 * A road's name, without the township before it that ident did not know.  Where it
 * begins is never sure, so two are compared from their ends.
 */
static void
read_road(AddressValue *value, const uint32_t *points, size_t count)
{
	size_t		start = 0;

	for (size_t i = 0; i + ROAD_LEAST < count; i++)
	{
		if (ends_place(points[i]) || (points[i] == 0x9053 && i > 0 && points[i - 1] == 0x8857))
			start = i + 1;
	}
	for (size_t i = 0; i < ROAD_POINTS && i < count - start; i++)
		value->tail[i] = sound_of(points[count - 1 - i]);
	if (count - start > ROAD_KEY)
		start = count - ROAD_KEY;
	value->road = sound_hash(points + start, count - start, 3);
}

/* One road: the shorter name is the end of the longer, and long enough to say so. */
static bool
same_road(const AddressValue *a, const AddressValue *b)
{
	size_t		i = 0;

	while (i < ROAD_POINTS && a->tail[i] != 0 && a->tail[i] == b->tail[i])
		i++;
	if (i == 0)
		return false;
	if (i == ROAD_POINTS || (a->tail[i] == 0 && b->tail[i] == 0))
		return true;
	return i >= ROAD_LEAST && (a->tail[i] == 0 || b->tail[i] == 0);
}

/* 路 街 道 巷 弄 里: what a road's name ends with. */
static bool
ends_road(uint32_t point)
{
	return point == 0x8DEF || point == 0x8857 || point == 0x9053 || point == 0x5DF7 || point == 0x80E1;
}

/* Without any number, the road ends where its kind stands last. */
static void
read_unnumbered(AddressValue *value, const uint32_t *points, size_t count)
{
	size_t		end = count;

	while (end > 0 && !ends_road(points[end - 1]))
		end--;
	read_road(value, points, end);
	value->rest = sound_hash(points + end, count - end, 4);
}

static void
read_detail(AddressValue *value, const uint32_t *points, size_t count)
{
	uint32_t	rest[DETAIL_POINTS];
	uint32_t	dashed[4];
	int			dashes = 0;
	size_t		rests = 0;
	bool		numbers = false;

	for (size_t i = 0; i < count;)
	{
		uint32_t	number;
		size_t		skip;
		size_t		length = number_at(points, count, i, &number);
		Counter		counter;

		if (length == 0)
		{
			rest[rests++] = points[i++];
			continue;
		}
		if (!numbers)
		{
			read_road(value, rest, rests);
			rests = 0;
		}
		numbers = true;
		counter = counter_at(points, count, i + length, &skip);
		i += length + skip;
		if (dashes < 4 && (counter == COUNT_DASH || dashes > 0))
			dashed[dashes++] = number;
		if (counter != COUNT_DASH && dashes > 0)
		{
			place_dashed(value, dashed, dashes, counter);
			dashes = 0;
		}
		else if (counter != COUNT_DASH)
			place_number(value, number, counter);
	}
	if (!numbers)
		read_unnumbered(value, points, count);
	else
		value->rest = sound_hash(rest, rests, 4);
}

static size_t
fold_detail(const char *text, uint32_t *out)
{
	size_t		count = crm_text_points(text, strlen(text), out, DETAIL_POINTS);
	size_t		used = 0;

	for (size_t i = 0; i < count; i++)
	{
		uint32_t	point = crm_match_fold(out[i]);

		if (point != ' ' && point != ',' && point != '.' && point != 0 && point != '(' && point != ')')
			out[used++] = point;
	}
	return used;
}

/* No address is longer than this; what is cut is cut between characters. */
static size_t
cut_length(const char *text, size_t length)
{
	if (length <= ADDRESS_BYTES)
		return length;
	length = ADDRESS_BYTES;
	while (length > 0 && ((unsigned char) text[length] & 0xC0) == 0x80)
		length--;
	return length;
}

static size_t
address_prepare(const CrmMatchArg *arg, const char *text, size_t length, unsigned char *out, size_t room)
{
	CrmAddress	address;
	AddressValue value;
	uint32_t	points[DETAIL_POINTS];

	(void) arg;
	if (room < sizeof(value))
		return 0;
	if (!crm_address_parse(text, cut_length(text, length), &address))
		return 0;
	memset(&value, 0, sizeof(value));
	value.division = address.division;
	read_detail(&value, points, fold_detail(address.detail, points));
	if (value.division == 0 && value.road == 0 && value.rest == 0)
		return 0;
	memcpy(out, &value, sizeof(value));
	return sizeof(value);
}

/* Comparing */

/* How two divisions stand to each other; an unknown or coarser one excludes nothing. */
typedef enum Relation
{
	SAME_DISTRICT,
	SAME_PLACE,					/* as far as both say */
	SAME_CITY,
	ELSEWHERE
} Relation;

static Relation
relate(int32_t a, int32_t b)
{
	if (a == b)
		return a % 100 != 0 ? SAME_DISTRICT : SAME_PLACE;
	if (a == 0 || b == 0)
		return SAME_PLACE;
	if (a / 10000 != b / 10000)
		return ELSEWHERE;
	if (a % 10000 == 0 || b % 10000 == 0)
		return SAME_PLACE;
	/* A municipality is one city, whatever its codes say. */
	if (a / 100 != b / 100 && a / 10000 != 11 && a / 10000 != 12 && a / 10000 != 31 && a / 10000 != 50)
		return ELSEWHERE;
	return a % 100 == 0 || b % 100 == 0 ? SAME_PLACE : SAME_CITY;
}

static bool
differ(uint32_t a, uint32_t b)
{
	return a != 0 && b != 0 && a != b;
}

/* Two addresses of one house: down to the door, or as far as both go. */
static AddressLevel
compare_doors(const AddressValue *a, const AddressValue *b)
{
	if (differ(a->building, b->building) || differ(a->unit, b->unit) || differ(a->room, b->room))
		return ADDRESS_NEIGHBOUR;
	if (a->room != 0 && a->room == b->room)
		return ADDRESS_DOOR;
	return a->building == b->building && a->unit == b->unit && a->room == b->room ? ADDRESS_HOUSE : ADDRESS_PART;
}

static int
address_compare(const CrmMatchArg *arg, const unsigned char *left, size_t a_length,
				const unsigned char *right, size_t b_length)
{
	AddressValue a;
	AddressValue b;
	Relation	relation;
	bool		road;

	(void) arg;
	(void) a_length;
	(void) b_length;
	memcpy(&a, left, sizeof(a));
	memcpy(&b, right, sizeof(b));
	relation = relate(a.division, b.division);
	road = same_road(&a, &b);
	if (relation == ELSEWHERE)
		return ADDRESS_DIFFERENT;
	if (road && a.number == b.number && (a.number != 0 || a.rest == b.rest))
		return compare_doors(&a, &b);
	/* The number is left out, or the road: the door and the estate may still tell. */
	if (a.room != 0 && a.room == b.room && a.building == b.building && !differ(a.unit, b.unit) &&
		((road && !differ(a.number, b.number)) || (a.rest != 0 && a.rest == b.rest)))
		return ADDRESS_PART;
	if (a.rest != 0 && a.rest == b.rest && (a.road == 0 || b.road == 0) && !differ(a.number, b.number))
		return ADDRESS_PART;
	if (road)
		return relation == SAME_CITY ? ADDRESS_CITY : ADDRESS_STREET;
	if (relation == SAME_DISTRICT)
		return ADDRESS_DISTRICT;
	return a.division != 0 && b.division != 0 && relation != ELSEWHERE &&
		a.division % 10000 != 0 && b.division % 10000 != 0 ? ADDRESS_CITY : ADDRESS_DIFFERENT;
}

static uint64_t
hash_parts(uint64_t seed, uint64_t road, int32_t division, const AddressValue *door)
{
	uint64_t	hash = crm_match_mix(seed + road) + (uint64_t) division;

	if (door != NULL)
	{
		hash = crm_match_mix(hash + ((uint64_t) door->building << 32 | door->unit));
		hash = crm_match_mix(hash + door->room);
	}
	return crm_match_mix(hash) | 1;
}

static uint64_t
address_term(const unsigned char *bytes, size_t length, int level)
{
	AddressValue value;

	(void) length;
	memcpy(&value, bytes, sizeof(value));
	switch (level)
	{
		case ADDRESS_DOOR:
		case ADDRESS_HOUSE:
			return hash_parts(value.number, value.road, 0, &value);
		case ADDRESS_PART:
		case ADDRESS_NEIGHBOUR:
			return hash_parts(value.number, value.road, value.division, NULL);
		case ADDRESS_STREET:
			return hash_parts(0, value.road, value.division, NULL);
		case ADDRESS_DISTRICT:
			return hash_parts(0, 0, value.division, NULL);
		default:
			return 0;
	}
}

/* The door needs no division: road, number, building and room are rare together. */
static int
address_keys(const unsigned char *bytes, size_t length, CrmMatchKey *key, int room)
{
	AddressValue value;
	int			used = 0;

	(void) length;
	memcpy(&value, bytes, sizeof(value));
	if (value.road != 0 && value.room != 0)
		used = crm_match_cn_key(key, used, room, FAMILY_DOOR, hash_parts(value.number, value.road, 0, &value));
	if (value.road != 0 && value.number != 0)
		used = crm_match_cn_key(key, used, room, FAMILY_PLACE,
					   hash_parts(value.number, value.road, value.division / 100, NULL));
	if (value.room != 0 && value.rest != 0)
		used = crm_match_cn_key(key, used, room, FAMILY_ROOM, hash_parts(5, value.rest, 0, &value));
	if (value.rest != 0 && value.number == 0)
		used = crm_match_cn_key(key, used, room, FAMILY_REST, hash_parts(6, value.rest, value.division / 10000, NULL));
	return used;
}

const CrmMatchKind crm_match_cn_address = {
	"cn_address", address_level, address_family, address_prepare, address_compare, address_term, address_keys
};
