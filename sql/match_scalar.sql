-- Proves: the functions of room match for everybody give the figures of the literature,
-- depend on no locale, are marked so that indexes and parallel plans may use them, leave
-- fuzzystrmatch's names alone, and refuse what would take for ever.
\set SHOW_CONTEXT never
SET search_path = public, crm;

SELECT a, b, round(jaro_similarity(a, b)::numeric, 4) AS jaro, round(jaro_winkler_similarity(a, b)::numeric, 4) AS jaro_winkler,
       damerau_levenshtein(a, b), round(jaccard_similarity(a, b)::numeric, 4) AS jaccard,
       round(bigram_similarity(a, b)::numeric, 4) AS bigram
FROM (VALUES ('MARTHA', 'MARHTA'), ('DIXON', 'DICKSONX'), ('DWAYNE', 'DUANE'), ('CA', 'ABC'), ('kitten', 'sitting'),
             ('张伟', '张炜'), ('上海示例公司', '上海样例公司'), ('', ''), ('', 'A'), ('same', 'same')) AS v (a, b);

SELECT v AS text, pinyin(v), pinyin(v, is_name => true) AS of_name, pinyin_initials(v, true) AS initials
FROM (VALUES ('单雄信'), ('尉迟恭'), ('長孫無忌'), ('吕布'), ('朴智星'), ('重庆 ABC 公司3'), ('Anna'), ('𬭎'), ('')) AS t (v);

SELECT v AS text, fold_name(v) FROM (VALUES ('張　偉先生'), ('徐总'), ('小李'), ('覃媚媚(本人)'), ('陳峯'), ('阿依夏木·热合曼'),
    ('Dr. José  ÁLVAREZ'), ('ＷＡＮＧ wei'), ('  '), ('(先生)')) AS t (v);

SELECT v AS text, fold_company_name(v) FROM (VALUES ('示例（上海）科技有限责任公司'), ('上海市示例科技公司'), ('廣東省示例貿易股份有限公司'),
    ('示例集团有限公司杭州分公司'), ('海南科技有限公司'), ('ACME Co., Ltd.'), ('()')) AS t (v);

-- What a mark promises holds: in an index, in parallel, for a null.
CREATE TABLE scalar_person (name text);
CREATE INDEX ON scalar_person (pinyin(name, true), fold_name(name));
INSERT INTO scalar_person VALUES ('张伟'), ('章伟'), (NULL);
SELECT count(*) FROM scalar_person WHERE pinyin(name, true) = 'zhang wei';
SELECT proname, provolatile, proparallel, proisstrict FROM pg_proc JOIN pg_namespace n ON n.oid = pronamespace
WHERE nspname = 'crm' AND proname IN ('jaro_similarity', 'jaro_winkler_similarity', 'damerau_levenshtein', 'jaccard_similarity', 'bigram_similarity',
    'pinyin', 'pinyin_initials', 'fold_name', 'fold_company_name') ORDER BY 1;
SELECT count(*) AS taken_from_others FROM pg_proc JOIN pg_namespace n ON n.oid = pronamespace
WHERE nspname = 'crm' AND proname IN ('levenshtein', 'levenshtein_less_equal', 'soundex', 'difference', 'metaphone', 'similarity',
    'word_similarity');

-- The collation of the arguments changes nothing.
SELECT bool_and(jaro_winkler_similarity(a COLLATE "C", b COLLATE "C") = jaro_winkler_similarity(a, b)) AS no_locale
FROM (VALUES ('ÅNGSTRÖM', 'angstrom'), ('张伟', '章伟')) AS v (a, b);

-- Long texts: worked on where that is linear, refused where it is not.
SELECT length(pinyin(repeat('张', 3000000))), length(pinyin_initials(repeat('张', 3000000))), fold_name(repeat(' ', 10000000)) IS NULL AS no_name,
       length(fold_name(repeat('张', 3000000))) AS cut, length(fold_company_name(repeat('张', 3000000))) AS cut_too;
SELECT damerau_levenshtein(repeat('a', 8192), repeat('b', 8192));
SELECT damerau_levenshtein(repeat('a', 8193), '');
SELECT jaro_winkler_similarity('', repeat('张', 10000000 / 3));
DROP TABLE scalar_person;
