#!/usr/bin/perl
# Proves: with its defaults alone, columns named or not, the engine reaches the promised
# F1 and precision of clusters on sets with known truth.  Sets that are made here need
# nothing; the others are read from CRM_DATA/dedup and skipped where they are absent.
use strict;
use warnings;
use Cwd qw(getcwd);
use File::Temp qw(tempdir);
use Test::More;

my $data = ($ENV{CRM_DATA} // '../shared/data') . '/dedup';
my $dir = tempdir(CLEANUP => 1);
my $driver = "$dir/match_driver";

# set => F1, precision
my %bar = (
	zh_person_synth => [ .97, .995 ],
	zh_company_synth => [ .97, .995 ],
	fake_1000 => [ .94, 0 ],
	chicago_sites => [ .91, 0 ],
	febrl1 => [ .999, 0 ],
	febrl2 => [ .998, 0 ],
);
my %made = (chinese => [ 4000, .97, .995 ], historical => [ 4000, .90, .98 ]);

is(system('gcc', '-std=gnu99', '-O2', '-Isrc', '-o', $driver, 'test/unit/match_driver.c',
		glob('src/match/*_core.c src/ident/*_core.c'), '-lm', '-lpthread'), 0, 'the driver compiles');

sub reaches {
	my ($name, $path, $f1, $precision, @options) = @_;
	my $line = qx($driver $path.csv -t ${path}_truth.csv @options);
	my ($p, $r, $f) = $line =~ /precision ([\d.]+) recall ([\d.]+) F1 ([\d.]+)/;
	ok(defined $f && $f >= $f1 && $p >= $precision, "$name: F1 at least $f1, precision at least $precision") or diag $line;
	note "$name: precision $p, recall $r, F1 $f" if defined $f;
}

for my $kind (sort keys %made) {
	my ($records, @wanted) = @{ $made{$kind} };
	is(system($^X, 'bench/match/people.pl', $kind, $records, 11, "$dir/$kind"), 0, "$kind persons are made");
	reaches("$kind persons", "$dir/$kind", @wanted);
	reaches("$kind persons, columns without names", "$dir/$kind", @wanted, '-x');
}

# One record of each: households are all that is alike, and they are no matches.
sub alone {
	my ($from, $to) = @_;
	open my $truth, '<', "${from}_truth.csv" or die $!;
	open my $rows, '<', "$from.csv" or die $!;
	open my $truth_out, '>', "${to}_truth.csv" or die $!;
	open my $rows_out, '>', "$to.csv" or die $!;
	my (%cluster, %seen);
	while (<$truth>) { chomp; my ($id, $cluster) = split /,/; $cluster{$id} = $cluster }
	print $truth_out "id,cluster_id\n";
	while (my $row = <$rows>) {
		my ($id) = $row =~ /^(\w+)/;
		next if $id ne 'id' && $seen{ $cluster{$id} }++;
		print $rows_out $row;
		print $truth_out "$id,$cluster{$id}\n" if $id ne 'id';
	}
}
alone("$dir/chinese", "$dir/alone");
reaches('persons without duplicates', "$dir/alone", 1, 1);

for my $set (sort keys %bar) {
	SKIP: {
		unless (-r "$data/$set.csv") {
			diag "SKIPPED: $data/$set.csv is not there: set CRM_DATA";
			skip "no $set", 2;
		}
		reaches($set, "$data/$set", @{ $bar{$set} });
		reaches("$set, columns without names", "$data/$set", @{ $bar{$set} }, '-x');
	}
}
done_testing;
