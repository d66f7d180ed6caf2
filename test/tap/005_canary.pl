# Proves: personal data that come in through COPY and bound parameters, are imported,
# rejected, registered, searched, revealed, sorted on disk, indexed, analyzed and dumped,
# are in no file of the server in plain: no table, index, WAL segment, temporary file,
# statistics, log, and in no error text. A control string in an ordinary table is found in
# the same places, so the search does search.
use strict;
use warnings;
use File::Find qw(find);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use FindBin;
use lib $FindBin::RealBin;
use CrmTest;

my $control = 'control-bird-4711';
# Three people: one imported, one registered, one whose record is wrong in everything.
my %imported   = (name => '钟离晚舟', document_number => '11010519491231002X', phone => '13987654321', email => 'canary.bird7@example.org',
	bank_card => '6222021234567890128', address => '浙江省杭州市西湖区金丝雀巷77号');
my %registered = (name => '闻人知秋', document_number => '440305198706156514', phone => '18911112222', email => 'second-canary@example.org',
	bank_card => '6225880123456783', address => '广东省深圳市南山区百灵鸟路9号');
my %rejected   = (name => '淳于7777', document_number => '110105194912310999', phone => '139876543219999', email => 'canary.at.nowhere.example',
	bank_card => '6222021234567899999', address => '杜鹃鸟弄88号');
my @fields  = qw(name document_number phone email bank_card address);
my @canaries = (map({ values %$_ } \%imported, \%registered, \%rejected),
	# as they may be taken apart
	'金丝雀巷', '百灵鸟路', '杜鹃鸟弄', 'canary.bird7', 'second-canary', '晚舟', '知秋', '8613987654321', '19491231002');

my $node = server('canary', conf => [ 'wal_level = replica', 'max_wal_senders = 2', 'autovacuum = off', "log_temp_files = 0" ]);
my $file = $node->basedir . '/customers.csv';
my $errors = '';
$node->start;
deploy($node, 'crm');

# -- in: COPY, import, bound parameters ---------------------------------------------------

system_log("$CrmTest::top/sample/generate --rows 2500 --seed 5 >$file") == 0 or die 'no sample';
stage_file($node, 'crm', $file);
my $line = 1000000;
append_to_file("$file.canary", join("\t", ++$line, 'individual', @$_{@fields}) . "\n") for \%imported, \%rejected;
$node->safe_psql('crm', "\\copy crm.customer_staging (line, kind, @{[ join ', ', @fields ]}) FROM '$file.canary'");
$node->safe_psql('crm', "CREATE TABLE public.plain (t text); INSERT INTO public.plain SELECT '$control' FROM generate_series(1, 3000); CHECKPOINT");
$node->safe_psql('crm', "CALL crm.import_customers('canaries')");
is($node->safe_psql('crm', 'SELECT count(*) FROM crm_data.individual WHERE birth_date = $$1949-12-31$$'), '1', 'the first canary was imported');
is($node->safe_psql('crm', q{SELECT count(DISTINCT field) FROM crm.import_error WHERE batch = 'canaries' AND line = (SELECT max(line) FROM crm_data.import_reject)}) > 3,
	1, 'another was rejected for several reasons');

# One statement with parameters that are bound, not written into it.
sub bound
{
	my ($sql, %value) = @_;
	my ($out, $err);
	my $script = $node->basedir . '/bound.sql';
	unlink $script;
	append_to_file($script, "$sql \\gset\n");
	my $ok = IPC::Run::run([ 'pgbench', '-n', '-t', '1', '-M', 'extended', map({ ('-D', "$_=$value{$_}") } sort keys %value),
		'-f', $script, $node->connstr('crm') ], '>', \$out, '2>', \$err);
	$errors .= $err;
	return $ok;
}

my $object = sub { my ($who) = @_; return '{"kind": "individual", ' . join(', ', map { qq("$_": "$who->{$_}") } @fields) . '}' };
ok(bound('SELECT crm.register_customer(:customer::jsonb) AS code;', customer => $object->(\%registered)), 'the second canary was registered');
ok(!bound('SELECT crm.register_customer(:customer::jsonb) AS code;', customer => $object->(\%rejected)), 'a wrong one is refused');
like($errors, qr/not valid/, 'with an error that says so');
ok(!bound('SELECT crm.register_customer(:customer::jsonb) AS code;', customer => $object->(\%registered)), 'a second time it is a duplicate');
ok(bound('SELECT count(*) AS n FROM crm.customer_search(:kind, :value);', kind => 'phone', value => $imported{phone}), 'searched by telephone');
ok(bound('SELECT count(*) AS n FROM crm.customer_search(:kind, :value);', kind => 'person_name', value => $imported{name}), 'searched by name');
ok(!bound('SELECT crm.customer_search(:kind, :value) AS n;', kind => 'id_number', value => $rejected{document_number}), 'searched by a number that is none');
ok(bound(q{SELECT count(crm.reveal(phone, 'canary test')) AS n FROM crm_data.contact_point WHERE phone IS NOT NULL;}), 'revealed');

# Values that a typed column refuses: neither message nor context repeats them.
$node->safe_psql('crm', 'CREATE TABLE public.typed (phone crm.phone, email crm.email, card crm.bank_card, id crm.id_number, name crm.person_name)');
for my $column ([ phone => 'phone' ], [ email => 'email' ], [ card => 'bank_card' ], [ id => 'document_number' ])
{
	my ($rc, $out, $err) = $node->psql('crm', "COPY public.typed ($column->[0]) FROM STDIN;\n" . $rejected{ $column->[1] } . "\n\\.\n");
	$errors .= $err;
	like($err, qr/ERROR:  invalid/, "COPY into a column refuses a wrong $column->[0]");
}
$node->safe_psql('crm', 'CREATE UNIQUE INDEX ON public.typed (phone)');
my ($rc, $out, $err) = $node->psql('crm', "COPY public.typed (phone) FROM STDIN;\n$imported{phone}\n$imported{phone}\n\\.\n");
$errors .= $err;
like($err, qr/duplicate key/, 'as does a unique index a double');

# -- through the server: statistics, index builds, sorts on disk -----------------------------

$node->safe_psql('crm', q{
	SET maintenance_work_mem = '1MB';
	CREATE INDEX ON crm_data.contact_point (phone);
	CREATE INDEX ON crm_data.contact_point USING hash (email);
	CREATE TABLE public.copied AS SELECT * FROM crm.customer_view;
	VACUUM ANALYZE});
is($node->safe_psql('crm', q{
	SELECT count(*) FROM pg_statistic s JOIN pg_attribute a ON a.attrelid = s.starelid AND a.attnum = s.staattnum
	  JOIN pg_type t ON t.oid = a.atttypid WHERE t.typanalyze = 'crm.pii_typanalyze'::regproc
	   AND num_nonnulls(s.stavalues1, s.stavalues2, s.stavalues3, s.stavalues4, s.stavalues5) > 0}), '0', 'statistics of personal data hold no values');
cmp_ok($node->safe_psql('crm', q{
	SELECT count(*) FROM pg_statistic s JOIN pg_attribute a ON a.attrelid = s.starelid AND a.attnum = s.staattnum
	  JOIN pg_type t ON t.oid = a.atttypid WHERE t.typanalyze = 'crm.pii_typanalyze'::regproc}), '>', 5, 'though they were gathered');

my $sorter = $node->background_psql('crm');
$sorter->query_safe(q{
	SET work_mem = '64kB';
	BEGIN;
	DECLARE sorted CURSOR FOR SELECT p.phone, p.email, i.name, d.number, a.detail, b.card, t.t
	  FROM crm_data.customer c
	  LEFT JOIN crm_data.contact_point p USING (customer_code) LEFT JOIN crm_data.individual i USING (customer_code)
	  LEFT JOIN crm_data.identity_document d USING (customer_code) LEFT JOIN crm_data.address a USING (customer_code)
	  LEFT JOIN crm_data.bank_account b USING (customer_code) CROSS JOIN (SELECT t FROM public.plain LIMIT 2) t
	 ORDER BY i.name, p.phone, p.email;
	FETCH 1 FROM sorted});

# -- the search ---------------------------------------------------------------------------------

# Files below the folders and those named, with the kind of place each is.
sub files
{
	my %place;
	find({ no_chdir => 1, wanted => sub {
		return unless -f $_;
		$place{$_} = /pgsql_tmp/ ? 'temporary files' : m{/pg_wal/} ? 'WAL' : m{/base/|/global/} ? 'tables and indexes' : 'other files';
	} }, $node->data_dir);
	$place{ $node->logfile } = 'server log';
	return \%place;
}

sub search
{
	my ($when, @expected) = @_;
	my ($place, %seen, @found) = files();
	for my $path (sort keys %$place)
	{
		open my $in, '<:raw', $path or next;    # a file may go away meanwhile
		local $/;
		my $bytes = <$in> // '';
		$seen{ $place->{$path} } = 1 if index($bytes, $control) >= 0;
		push @found, map { "$path: $_" } grep { index($bytes, $_) >= 0 } @canaries;
	}
	is(join(', ', @found), '', "$when: no canary in " . scalar(keys %$place) . ' files');
	ok($seen{$_}, "$when: the search finds what is plain in $_") for @expected;
	return;
}

$node->safe_psql('crm', 'CHECKPOINT');
search('while a sort is on disk', 'temporary files', 'WAL', 'tables and indexes');
$sorter->quit;
runs($node, 'dumped', 'pg_dump', '-d', $node->connstr('crm'), '-f', $node->basedir . '/dump.sql');
my $dump = slurp_file($node->basedir . '/dump.sql');
is(join(', ', grep { index($dump, $_) >= 0 } @canaries), '', 'no canary in the dump');
ok(index($dump, $control) >= 0, 'which holds what is plain');
$node->psql('crm', "SELECT '$control'::int");
$node->stop;
search('after the shutdown', 'WAL', 'tables and indexes', 'server log');
is(join(', ', grep { index($errors, $_) >= 0 } @canaries), '', 'no canary in an error text');

done_testing();
