-- Proves: the binary form of the types is the envelope: COPY in binary loses nothing,
-- takes nothing but envelopes of the right type, and notices every change.
BEGIN;
SELECT no_plan();
SET search_path = public, crm;
CREATE SCHEMA lab;
CREATE TABLE lab.kept (phone phone, document id_number, card bank_card, mail email, name person_name, place postal_address, note private_text);
INSERT INTO lab.kept VALUES ('13800138000', '11010519491231002X', '6222021234567890128', 'a@example.com', '张三丰', '北京市朝阳区建国路88号', ''),
                            (NULL, NULL, NULL, NULL, NULL, NULL, repeat('长', 2700)::private_text);
CREATE TABLE lab.back (LIKE lab.kept);
CREATE TABLE lab.phones (phone phone);
CREATE FUNCTION lab.file() RETURNS text LANGUAGE sql STABLE AS $$ SELECT current_setting('data_directory') || '/pii_binary.tmp' $$;

SELECT lives_ok(format('COPY lab.kept TO %L (FORMAT binary)', lab.file()), 'written');
SELECT lives_ok(format('COPY lab.back FROM %L (FORMAT binary)', lab.file()), 'read');
SET crm.pii_output = envelope;
SELECT set_eq('SELECT k::text FROM lab.kept k', 'SELECT b::text FROM lab.back b', 'and nothing changed');
RESET crm.pii_output;
SELECT is(reveal(note, 'test'), repeat('长', 2700), 'long text too') FROM lab.back WHERE phone IS NULL;

-- A bytea column writes the same bytes as a value of that content would.
CREATE FUNCTION lab.try(content bytea) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('COPY (SELECT %L::bytea) TO %L (FORMAT binary)', content, lab.file());
    EXECUTE format('COPY lab.phones FROM %L (FORMAT binary)', lab.file());
END $$;
SELECT phone_send(phone) AS envelope, length(phone_send(phone)) AS size FROM lab.kept WHERE phone IS NOT NULL \gset
SELECT lives_ok(format('SELECT lab.try(%L)', :'envelope'), 'the envelope itself');
SELECT is(count(*) FILTER (WHERE phone = '13800138000'), 1::bigint, 'is the value') FROM lab.phones;
SELECT throws_ok(format('SELECT lab.try(%L)', set_byte((:'envelope')::bytea, place, get_byte((:'envelope')::bytea, place) # 1)), '22P02', NULL, 'byte ' || place || ' changed')
  FROM generate_series(0, 1) place;
SELECT throws_ok(format('SELECT lab.try(%L)', set_byte((:'envelope')::bytea, place, get_byte((:'envelope')::bytea, place) # 1)), '22P02', NULL, 'byte ' || place || ' changed')
  FROM generate_series(6, :size - 1) place;
SELECT throws_ok(format('SELECT lab.try(%L)', substr((:'envelope')::bytea, 1, place)), '22P02', NULL, 'cut to ' || place)
  FROM generate_series(0, :size - 1, 5) place;
SELECT throws_ok(format('SELECT lab.try(%L)', content), '22P02', NULL, 'not an envelope') FROM (VALUES
    ('13800138000'::bytea), ('138****8000'::bytea), (decode(repeat('00', 66), 'hex')))
  c(content);
SELECT throws_ok(format('SELECT lab.try(%L)', id_number_send(document)), '22P02', NULL, 'an envelope of another type') FROM lab.kept WHERE phone IS NOT NULL;
-- Another key id: that key is not here, so the value is kept as it came and shows nothing.
SELECT lives_ok(format('SELECT lab.try(%L)', set_byte((:'envelope')::bytea, 5, 99)), 'an unknown key is accepted, for hosts without keys');
SELECT is(count(*) FILTER (WHERE phone::text = '***'), 1::bigint, 'and shows ***') FROM lab.phones;
SELECT throws_ok($$SELECT reveal(phone, 'test') FROM lab.phones WHERE phone::text = '***'$$, 'KH012', NULL, 'and reveals nothing');
COPY (SELECT 1) TO PROGRAM 'cat >/dev/null; rm -f pii_binary.tmp';
SELECT * FROM finish();
ROLLBACK;
