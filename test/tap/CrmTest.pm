# CrmTest: what the whole-server tests share: a server with a key file of its own, a
# deployed database with customers of all kinds, and exact pictures of schema and data.
package CrmTest;
use strict;
use warnings;
use Cwd qw(abs_path);
use Exporter 'import';
use File::Basename qw(dirname);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(server deploy stage_sample stage_file import_sample customers schema_of data_of same runs fails_with);
our $top = $ENV{CRM_TOP} // abs_path(dirname(__FILE__) . '/../..');

# A server, not started. Options: streaming (as for init), conf (lines), key (path; '' for
# none), install_path. Statements are not logged: a literal in one would be.
sub server
{
	my ($name, %option) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name, $option{install_path} ? (install_path => $option{install_path}) : ());
	my $key = $option{key} // $node->basedir . '/crm.key';

	$node->init(extra => [ '-E', 'UTF8', '--locale=C.UTF-8' ], allows_streaming => $option{streaming});
	$node->append_conf('postgresql.conf', join "\n", "log_statement = none", "timezone = 'Asia/Shanghai'",
		"max_connections = 30", "shared_buffers = 16MB", "crm.key_file = '$key'", @{ $option{conf} // [] }, '');
	return $node;
}

sub deploy
{
	my ($node, $db) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $db");
	# as administrators are told to: operators of our types stand in schema crm
	$node->safe_psql('postgres', "ALTER DATABASE $db SET search_path = public, crm");
	$node->safe_psql($db, "SET client_min_messages = warning; CREATE EXTENSION crm CASCADE; CALL crm.deploy(); SELECT crm.key_generate()");
}

# The columns of a file of customers, from its header, into the staging table.
sub stage_file
{
	my ($node, $db, $path) = @_;
	open my $in, '<', $path or die "$path: $!\n";
	chomp(my $columns = <$in>);
	close $in;
	$node->safe_psql($db, "\\copy crm.customer_staging ($columns) FROM '$path' CSV HEADER");
}

sub stage_sample { my ($node, $db) = @_; stage_file($node, $db, "$top/sample/customers.csv") }

sub import_sample
{
	my ($node, $db) = @_;
	stage_sample($node, $db);
	$node->safe_psql($db, "CALL crm.import_customers('sample', batch_size => 50)");
}

sub customers { my ($node, $db) = @_; return $node->safe_psql($db, 'SELECT count(*) FROM crm_data.customer') }

# The schema as pg_dump writes it, without the key that guards each dump's own psql commands.
sub schema_of
{
	my ($node, $db, @options) = @_;
	my ($out, $err) = run_command([ $node->installed_command('pg_dump'), '-s', '-d', $node->connstr($db), @options ]);
	return join "\n", grep { !/^\\(?:un)?restrict / } split /\n/, $out;
}

# Every row of every table of ours and of public, envelopes as they are stored, in a
# fixed order; and where every sequence stands.
sub data_of
{
	my ($node, $db) = @_;
	my $script = $node->safe_psql($db, q{
		SET search_path = '';
		SELECT format(E'\\\\echo == %1$s\nCOPY (SELECT %3$s FROM %1$s ORDER BY %2$s) TO STDOUT;', c.oid::regclass,
		              coalesce((SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_index i
		                          JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey)
		                         WHERE i.indrelid = c.oid AND i.indisprimary), '1'),
		              (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attname) FROM pg_attribute a
		                WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped))
		  FROM pg_class c
		 WHERE c.relnamespace::regnamespace::text IN ('crm', 'crm_data', 'crm_report', 'crm_secure', 'public')
		   AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY c.oid::regclass::text COLLATE "C"});
	my $sequences = $node->safe_psql($db, q{SELECT format('%s.%s %s', schemaname, sequencename, last_value) FROM pg_sequences ORDER BY 1});
	return $node->safe_psql($db, "SET crm.pii_output = envelope;\n$script") . "\n$sequences";
}

# Two pictures are the same, and are pictures; else the first lines in which they differ.
sub same
{
	my ($got, $want, $name) = @_;
	my (%got, %want);
	return pass($name) if $got eq $want && length $want > 1000;
	fail($name);
	$got{$_}++ for split /\n/, $got;
	$want{$_}++ for split /\n/, $want;
	diag('pictures are too small') if length $want <= 1000;
	my @unwanted = grep { ($want{$_} // 0) < $got{$_} } sort keys %got;
	my @missing = grep { ($got{$_} // 0) < $want{$_} } sort keys %want;
	diag("only got: " . substr $_, 0, 300) for @unwanted[ 0 .. ($#unwanted < 9 ? $#unwanted : 9) ];
	diag("missing:  " . substr $_, 0, 300) for @missing[ 0 .. ($#missing < 9 ? $#missing : 9) ];
	diag('same lines in another order') unless @unwanted || @missing;
	return;
}

# The command ends well; else what it said.
sub runs
{
	my ($node, $name, @command) = @_;
	my ($out, $err);
	local %ENV = $node->_get_env();
	my $ok = IPC::Run::run(\@command, '>', \$out, '2>', \$err);
	ok($ok, $name) or diag(substr $err, 0, 2000);
	return $ok;
}

# The statement fails with this SQLSTATE and no other; returns the whole error text.
sub fails_with
{
	my ($node, $db, $state, $sql, $name, @options) = @_;
	my ($rc, $out, $err) = $node->psql($db, "\\set VERBOSITY verbose\n$sql", on_error_stop => 1, @options);
	like($err, qr/ERROR:  \Q$state\E:/, $name);
	return $err;
}

1;
