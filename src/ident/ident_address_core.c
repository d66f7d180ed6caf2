/*
 * ident_address_core.c: Chinese addresses, from one line of text to divisions,
 * township and what remains.
 *
 * The text is cleaned first (widths, traditional characters, separators, postcode,
 * contact noise).  Then the divisions are searched from the front: each level may
 * be missing, abbreviated, repeated or withdrawn, and every reading that fits the
 * hierarchy is scored; the best one wins, equal ones become candidates.
 */
#include "ident_address_core.h"

#define TEXT_MAX CRM_NORMALIZED_MAX
#define READING_MAX 32

/* How a name was written: the better, the higher. */
typedef enum MatchQuality
{
	MATCH_NONE,
	MATCH_STEM,					/* "罗山" */
	MATCH_GENERIC,				/* "丰宁县" for 丰宁满族自治县 */
	MATCH_FULL
} MatchQuality;

/* One reading of the front of the text. */
typedef struct Reading
{
	int32_t		code;			/* in force, or 0 */
	int			row;			/* the row that was matched last */
	size_t		end;			/* where the divisions end */
	int			score;
} Reading;

typedef struct Search
{
	const char *text;
	size_t		length;
	int			count;
	Reading		readings[READING_MAX];
} Search;

/* Matching names */

static int
level_of(int32_t code)
{
	return code % 10000 == 0 ? 0 : code % 100 == 0 ? 1 : 2;
}

/* Whether code lies in the division above, which may be 0 for the whole country. */
static bool
lies_in(int32_t code, int32_t above)
{
	if (above == 0)
		return true;
	if (above % 10000 == 0)
		return code / 10000 == above / 10000;
	return code / 100 == above / 100;
}

static bool
is_placeholder(const char *name)
{
	static const char *const words[] = {"市辖区", "县", "省直辖", "自治区直辖", "市辖县", "省属虚拟", NULL};

	return crm_begins_any(name, strlen(name), words) > 0;
}

/* The code in force that a row stands for, through its successors; 0 if lost. */
static int32_t
code_in_force(int row)
{
	for (int steps = 0; row >= 0 && steps < 6; steps++)
	{
		const DivisionRow *here = crm_division_row_at(row);
		int			own = crm_division_row(here->code);

		if (!crm_division_row_old(own))
			return here->code;
		row = crm_division_row_at(own)->successor == 0 ? -1 :
			crm_division_row(crm_division_row_at(own)->successor);
	}
	return 0;
}

/* What follows a bare stem and makes it a road or estate rather than a place. */
static bool
is_road_next(const char *text, size_t length)
{
	static const char *const road[] = {
		"路", "街", "大道", "大街", "巷", "弄", "里", "胡同", "村", "小区", "大厦", "广场", "花园", "号",
		"东路", "西路", "南路", "北路", "中路", "东街", "西街", "南街", "北街", "中街", "一路", "二路", "三路",
		"东大街", "西大街", "南大街", "北大街", "东巷", "西巷", "环路", "新村", "公寓", "大桥", "门", "站", "宾馆",
		"酒店", "银行", "大学", "路口", "东道", "西道", "南道", "北道", "横街", "正街", "后街", "前街", NULL
	};

	return crm_begins_any(text, length, road) > 0;
}

/* Whether the full name of a division below this one stands here: 北京 before 门头沟区. */
static bool
child_follows(int32_t above, const char *text, size_t length)
{
	size_t		key = length > 0 ? crm_point_bytes(text[0]) : 0;

	if (key > 0 && key < length)
		key += crm_point_bytes(text[key]);
	if (key == 0 || key > length)
		return false;
	for (int place = crm_division_name_from(text, key);; place++)
	{
		int			row = crm_division_by_name(place);

		if (row < 0 || strncmp(crm_division_row_name(row), text, key) != 0)
			return false;
		if (lies_in(crm_division_row_at(row)->code, above) &&
			level_of(crm_division_row_at(row)->code) > level_of(above) &&
			crm_begins(text, length, crm_division_row_name(row)))
			return true;
	}
}

/* How the text at hand writes the name of a row, and how many bytes of it. */
static MatchQuality
match_row(int row, const char *text, size_t length, size_t *used)
{
	static const char *const generic[] = {
		"自治区", "自治州", "自治县", "自治旗", "地区", "省", "市", "州", "盟", "县", "区", "旗", NULL
	};
	const char *name = crm_division_row_name(row);
	size_t		stem = crm_division_row_at(row)->stem;
	size_t		bytes = strlen(name);
	size_t		suffix;

	if (crm_begins(text, length, name))
	{
		*used = bytes;
		return MATCH_FULL;
	}
	if (stem > length || memcmp(text, name, stem) != 0 || stem < 6)
		return MATCH_NONE;
	suffix = crm_begins_any(text + stem, length - stem, generic);
	*used = stem + suffix;
	/* "朝阳区" is no way to write 朝阳市: only an autonomous name has a short form. */
	if (suffix > 0 && bytes - stem > 6 && strstr(name, "自治") != NULL)
		return MATCH_GENERIC;
	*used = stem;
	return is_road_next(text + stem, length - stem) &&
		!child_follows(crm_division_row_at(row)->code, text + stem, length - stem) ? MATCH_NONE : MATCH_STEM;
}

static void
add_reading(Search *search, int row, int32_t code, size_t end, int score)
{
	Reading    *reading;

	if (search->count == READING_MAX)
		return;
	reading = &search->readings[search->count++];
	reading->row = row;
	reading->code = code;
	reading->end = end;
	reading->score = score;
}

/* Skip a level that is written twice, and words that only say "of this level". */
static size_t
skip_repeats(const Search *search, int row, size_t at)
{
	int32_t		code = crm_division_row_at(row)->code;
	static const char *const words[] = {"市辖区", "省直辖县级行政区划", "自治区直辖县级行政区划", NULL};
	const char *name = crm_division_row_name(row);
	size_t		bytes;

	/* "金门县金门县" may be a county and the township of its name. */
	while (crm_begins(search->text + at, search->length - at, name) &&
		   crm_township_match(code, search->text + at, search->length - at) < strlen(name))
		at += strlen(name);
	while ((bytes = crm_begins_any(search->text + at, search->length - at, words)) > 0)
		at += bytes;
	return at;
}

/*
 * Score of one matched name: what it consumes, how well it is written, whether it
 * is still in force; higher levels win where nothing else tells them apart.
 */
static int
match_score(int row, MatchQuality quality, size_t used)
{
	return (int) used * 8 + (int) quality * 2 + (crm_division_row_old(row) ? 0 : 3) -
		level_of(crm_division_row_at(row)->code);
}

static void explore(Search *search, int32_t above, int above_level, size_t at, int score);

/* Take one row as the next level, if it fits, and look further from there. */
static void
explore_row(Search *search, int row, int32_t above, int above_level, size_t at, int score)
{
	const DivisionRow *here = crm_division_row_at(row);
	int			level = level_of(here->code);
	size_t		used;
	MatchQuality quality;
	int32_t		code;

	if (level <= above_level || is_placeholder(crm_division_row_name(row)))
		return;
	quality = match_row(row, search->text + at, search->length - at, &used);
	if (quality == MATCH_NONE || (above == 0 && level == 2 && quality == MATCH_STEM))
		return;
	code = code_in_force(row);
	if (!lies_in(here->code, above) && !(code != 0 && lies_in(code, above)))
		return;
	score += match_score(row, quality, used);
	at = skip_repeats(search, row, at + used);
	add_reading(search, row, code, at, score);
	if (level < 2)
		explore(search, code != 0 ? code : here->code, level, at, score);
}

/* Look for the next level at a place in the text, below what is already known. */
static void
explore(Search *search, int32_t above, int above_level, size_t at, int score)
{
	size_t		first = at < search->length ? crm_point_bytes(search->text[at]) : 0;
	size_t		key;

	if (first == 0 || at + first >= search->length)
		return;
	key = first + crm_point_bytes(search->text[at + first]);
	if (at + key > search->length)
		return;
	for (int place = crm_division_name_from(search->text + at, key);; place++)
	{
		int			row = crm_division_by_name(place);

		if (row < 0 || strncmp(crm_division_row_name(row), search->text + at, key) != 0)
			break;
		explore_row(search, row, above, above_level, at, score);
	}
}

/* Slips of the pen: one character wrong or missing in the name of a known parent's child */

/* What is typed or recognised where 县, 区 or 市 was meant. */
static bool
is_suffix_slip(const char *meant, const char *typed)
{
	static const char *const county[] = {"贤", "显", "先", "现", "线", "闲", "献", "宪", "限", "陷", "弦", "咸", NULL};
	static const char *const district[] = {"曲", "衢", "渠", "驱", "趋", "屈", "瞿", "巨", "匹", "岖", NULL};
	static const char *const city[] = {"是", "室", "事", "式", "世", "示", "视", "氏", "士", "布", "巿", "柿", NULL};

	if (strcmp(meant, "县") == 0)
		return crm_begins_any(typed, 3, county) > 0;
	if (strcmp(meant, "区") == 0)
		return crm_begins_any(typed, 3, district) > 0;
	return strcmp(meant, "市") == 0 && crm_begins_any(typed, 3, city) > 0;
}

/*
 * Bytes of the text that are the name with one character wrong or missing, 0 when
 * it is not.  The kind of division (last character) must be right, or be a usual
 * slip for it while all the rest is right.
 */
static size_t
near_match(const char *name, const char *text, size_t length)
{
	size_t		bytes = strlen(name);
	size_t		same = 0;
	size_t		rest;

	if (bytes < 9)
		return 0;
	while (same < bytes && same < length && name[same] == text[same])
		same++;
	while (same > 0 && ((unsigned char) name[same] & 0xC0) == 0x80)
		same--;
	if (bytes - same < 3)
		return 0;
	rest = bytes - same - 3;
	if (rest == 0)
		return same + 3 <= length && is_suffix_slip(name + same, text + same) ? bytes : 0;
	/* One character wrong; */
	if (bytes <= length && (unsigned char) text[same] >= 0xE4 &&
		memcmp(name + same + 3, text + same + 3, rest) == 0)
		return bytes;
	/* or missing, but then two must remain beside the kind. */
	if (bytes - 3 <= length && memcmp(name + same + 3, text + same, rest) == 0)
		return bytes - 3;
	return 0;
}

/*
 * The child of a division whose name is nearly at hand, -1 if none.  Of several,
 * the one that the township behind the name belongs to.
 */
static int
near_child(const Search *search, int32_t above, size_t at, size_t *used)
{
	int			low;
	int			high;
	int			found = -1;
	int			count = 0;

	if (above % 100 != 0)
		return -1;
	crm_division_children(above, above % 10000 == 0 ? above + 9999 : above, &low, &high);
	for (int row = low; row < high; row++)
	{
		const DivisionRow *here = crm_division_row_at(row);
		const char *name = crm_division_row_name(row);
		size_t		bytes;

		if (crm_division_row_old(row) || here->code == above || is_placeholder(name))
			continue;
		bytes = near_match(name, search->text + at, search->length - at);
		if (bytes == 0)
			continue;
		if (crm_township_match(here->code, search->text + at + bytes, search->length - at - bytes) > 0)
		{
			*used = bytes;
			return row;
		}
		if (count++ == 0)
		{
			found = row;
			*used = bytes;
		}
	}
	return count == 1 ? found : -1;
}

/* The county of a city that the township at hand lies in, when the text leaves it
 * out; 0 if none or several. */
static int32_t
county_of_township(const Search *search, int32_t city, size_t at)
{
	int			low;
	int			high;
	int32_t		found = 0;

	crm_division_children(city, city, &low, &high);
	for (int row = low; row < high; row++)
	{
		int32_t		code = crm_division_row_at(row)->code;

		if (code == city || crm_division_row_old(row) ||
			crm_township_match(code, search->text + at, search->length - at) == 0)
			continue;
		if (found != 0)
			return 0;
		found = code;
	}
	return found;
}

/* From the best reading so far, try to go one level down over a slip. */
static void
extend_over_slips(Search *search, Reading *best)
{
	for (int steps = 0; steps < 2 && best->code != 0 && best->code % 100 == 0; steps++)
	{
		size_t		used = 0;
		int			row = near_child(search, best->code, best->end, &used);

		if (row < 0)
			return;
		best->row = row;
		best->code = crm_division_row_at(row)->code;
		best->end = skip_repeats(search, row, best->end + used);
		if (level_of(best->code) == 1)
		{
			search->count = 0;
			explore(search, best->code, 1, best->end, 0);
			for (int i = 0; i < search->count; i++)
			{
				if (search->readings[i].code != 0 && search->readings[i].end > best->end)
					*best = search->readings[i];
			}
		}
	}
}

/* A city's county that is not named follows from the township. */
static void
extend_by_township(const Search *search, Reading *best)
{
	int32_t		county;

	if (best->code % 100 != 0 || best->code % 10000 == 0)
		return;
	county = county_of_township(search, best->code, best->end);
	if (county != 0)
		best->code = county;
}

/*
 * A stray character between the county and a township that is known: "县" or "区"
 * typed wrong after a short name, or written twice.
 */
static void
skip_stray(const Search *search, Reading *best)
{
	const char *rest = search->text + best->end;
	size_t		length = search->length - best->end;
	size_t		bytes = length > 0 ? crm_point_bytes(rest[0]) : 0;

	if (bytes == 3 && bytes < length && crm_township_match(best->code, rest, length) == 0 &&
		crm_township_match(best->code, rest + bytes, length - bytes) > 0)
		best->end += bytes;
}

/* Results */

static void
name_into(char *out, size_t room, int32_t code)
{
	const char *name = crm_division_name(code);

	out[0] = '\0';
	if (name != NULL && !is_placeholder(name))
		crm_copy_text(out, room, name);
}

/* Names of the levels of a code; a municipality is its own city. */
static void
name_levels(CrmAddress *address, int32_t code)
{
	int32_t		province = code / 10000 * 10000;

	address->division = code;
	name_into(address->province, sizeof(address->province), province);
	if (province == 110000 || province == 120000 || province == 310000 || province == 500000)
	{
		if (code != province)
			crm_copy_text(address->city, sizeof(address->city), address->province);
	}
	else if (code % 10000 != 0)
		name_into(address->city, sizeof(address->city), code / 100 * 100);
	if (code % 100 != 0)
		name_into(address->district, sizeof(address->district), code);
}

/* Suffixes of a township's name, the longer ones first. */
static const char *const township_suffix[] = {
	"直辖村级区划", "街道办事处", "民族乡", "管理委员会", "工业园区", "产业园区", "开发区", "管理区", "街道", "苏木",
	"农场", "林场", "牧场", "渔场", "茶场", "园区", "地区", "镇", "乡", "团", NULL
};

/* Where a road begins to be the only reading. */
static bool
ends_township(const char *text, size_t length)
{
	static const char *const road[] = {
		"大道", "大街", "胡同", "路", "巷", "弄", "号", "村", "小区", "大厦", "广场", "花园", "公寓", NULL
	};
	static const char *const part[] = {"路街道", "路镇", "路乡", "村镇", "村乡", "村街道", "巷镇", "巷街道", "号镇",
	"巷乡", "村民族", "路街", "号乡", "弄镇", NULL};

	if (crm_begins_any(text, length, part) > 0)
		return false;
	if (crm_begins(text, length, "街") && !crm_begins(text, length, "街道") && !crm_begins(text, length, "街镇") &&
		!crm_begins(text, length, "街乡"))
		return true;
	return crm_begins_any(text, length, road) > 0;
}

/* Bytes of the township at the front of the text, 0 when it begins with a road. */
static size_t
township_length(const char *text, size_t length)
{
	size_t		at = 0;

	for (int points = 0; points < 16 && at < length; points++)
	{
		size_t		suffix = points > 0 ? crm_begins_any(text + at, length - at, township_suffix) : 0;

		if (suffix > 0)
		{
			size_t		next = crm_begins_any(text + at + suffix, length - at - suffix, township_suffix);

			/* "古镇镇", "安乡镇", "新街道镇": the last of a run is the kind. */
			return at + suffix + (next == 3 || next == 6 ? next : 0);
		}
		if ((unsigned char) text[at] < 0x80 || (points > 0 && ends_township(text + at, length - at)))
			return 0;
		at += crm_point_bytes(text[at]);
	}
	return 0;
}

/* What the list of townships knows, else what looks like one. */
static void
split_rest(CrmAddress *address, const char *text, size_t length, bool township)
{
	size_t		bytes = township ? crm_township_match(address->division, text, length) : 0;

	if (township && bytes == 0)
		bytes = township_length(text, length);
	if (bytes >= sizeof(address->township))
		bytes = 0;
	memcpy(address->township, text, bytes);
	address->township[bytes] = '\0';
	memcpy(address->detail, text + bytes, length - bytes);
	address->detail[length - bytes] = '\0';
}

/* The best reading; equal ones with other codes are counted as candidates. */
static const Reading *
choose_reading(const Search *search, CrmAddress *address)
{
	const Reading *best = NULL;

	for (int i = 0; i < search->count; i++)
	{
		if (search->readings[i].code != 0 && (best == NULL || search->readings[i].score > best->score))
			best = &search->readings[i];
	}
	for (int i = 0; best != NULL && i < search->count; i++)
	{
		const Reading *other = &search->readings[i];
		bool		known = other->score != best->score || other->code == 0 || address->candidate_count == 32;

		for (int j = 0; j < address->candidate_count && !known; j++)
			known = address->candidates[j] == other->code;
		if (!known)
			address->candidates[address->candidate_count++] = other->code;
	}
	return best;
}

static void
sort_candidates(CrmAddress *address)
{
	for (int i = 1; i < address->candidate_count; i++)
	{
		int32_t		code = address->candidates[i];
		int			j = i;

		for (; j > 0 && address->candidates[j - 1] > code; j--)
			address->candidates[j] = address->candidates[j - 1];
		address->candidates[j] = code;
	}
}

/*
 * All divisions that a name may mean, in full or abbreviated, those in force
 * first; the number of codes written.
 */
int
crm_division_lookup(const char *text, size_t length, int32_t *codes, int room)
{
	char		name[128];
	size_t		bytes;
	size_t		key;
	int			count = 0;

	if (crm_fold_text(text, length, name, sizeof(name) - 1, &bytes) != CRM_OK)
		return 0;
	crm_address_simplify(name, &bytes);
	key = crm_point_bytes(name[0]);
	if (key >= bytes)
		return 0;
	key += crm_point_bytes(name[key]);
	for (int old = 0; old < 2; old++)
	{
		for (int place = crm_division_name_from(name, key); count < room; place++)
		{
			int			row = crm_division_by_name(place);
			size_t		used = 0;

			if (row < 0 || strncmp(crm_division_row_name(row), name, key) != 0)
				break;
			if (crm_division_row_old(row) == (old == 1) &&
				match_row(row, name, bytes, &used) != MATCH_NONE && used == bytes)
				codes[count++] = crm_division_row_at(row)->code;
		}
	}
	return count;
}

static size_t
skip_country(const char *text, size_t length)
{
	static const char *const country[] = {"中华人民共和国", "中国", "CHINA", "China", "china", "P.R.China", "PRC", NULL};

	return crm_begins_any(text, length, country);
}

static void
address_begin(CrmAddress *address)
{
	address->division = 0;
	address->province[0] = address->city[0] = address->district[0] = '\0';
	address->township[0] = address->detail[0] = '\0';
	address->candidate_count = 0;
}

/* Of several divisions of one name, the one that the township at hand lies in. */
static bool
choose_by_township(const Search *search, CrmAddress *address, Reading *reading)
{
	int32_t		found = 0;

	for (int i = 0; i < address->candidate_count; i++)
	{
		if (crm_township_match(address->candidates[i], search->text + reading->end,
							   search->length - reading->end) == 0)
			continue;
		if (found != 0)
			return false;
		found = address->candidates[i];
	}
	if (found != 0)
		reading->code = found;
	return found != 0;
}

/* Several places bear the name: say so, name it, and leave the choice. */
static void
tell_candidates(CrmAddress *address, const Reading *best)
{
	sort_candidates(address);
	crm_copy_text(address->district, sizeof(address->district), crm_division_row_name(best->row));
}

/* No Han character at all, but letters: an address in English. */
static bool
is_latin_text(const char *text, size_t length)
{
	bool		letters = false;

	for (size_t i = 0; i < length; i += crm_point_bytes(text[i]))
	{
		if ((unsigned char) text[i] >= 0xE4)
			return false;
		letters |= (text[i] >= 'a' && text[i] <= 'z') || crm_is_upper(text[i]);
	}
	return letters;
}

static void
parse_latin(const char *text, size_t length, CrmAddress *address)
{
	size_t		detail;

	address->candidate_count = crm_latin_address(text, length, address->candidates, &detail);
	if (address->candidate_count == 1)
	{
		name_levels(address, address->candidates[0]);
		address->candidate_count = 0;
	}
	sort_candidates(address);
	while (detail > 0 && detail < length && (text[detail - 1] == ' ' || text[detail - 1] == ','))
		detail--;
	split_rest(address, text, detail, false);
}

bool
crm_address_parse(const char *text, size_t length, CrmAddress *address)
{
	char		buffer[TEXT_MAX + 8];
	size_t		used;
	size_t		start;
	Search		search;
	Reading		reading;
	const Reading *best;

	address_begin(address);
	if (crm_fold_text(text, length, buffer, TEXT_MAX, &used) != CRM_OK)
		return false;
	if (is_latin_text(buffer, used))
	{
		parse_latin(buffer, used, address);
		return true;
	}
	used = crm_address_clean(buffer, used);
	start = skip_country(buffer, used);
	search.text = buffer + start;
	search.length = used - start;
	search.count = 0;
	explore(&search, 0, -1, 0, 0);
	best = choose_reading(&search, address);
	if (best == NULL)
	{
		split_rest(address, search.text, search.length, false);
		return true;
	}
	reading = *best;
	if (address->candidate_count > 1 && !choose_by_township(&search, address, &reading))
		tell_candidates(address, &reading);
	else
	{
		address->candidate_count = 0;
		extend_over_slips(&search, &reading);
		extend_by_township(&search, &reading);
		skip_stray(&search, &reading);
		name_levels(address, reading.code);
	}
	split_rest(address, search.text + reading.end, search.length - reading.end, true);
	return true;
}
