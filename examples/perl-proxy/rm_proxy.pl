#!/usr/bin/perl
# A small Report Manager proxy, written from docs/protocol.md and fixtures/ alone. README.md says what
# it does not do. Everything is in memory; one process, one loop, no forking.
use strict;
use warnings;
use Getopt::Long;
use IO::Select;
use IO::Socket::INET;
use POSIX ();
use Socket qw(SOL_SOCKET SO_ERROR SHUT_WR);

my %opt = (host => '127.0.0.1', port => 8412, jar => '127.0.0.1:8402', connections => 1000,
    'idle-seconds' => 1800, 'mid-frame-seconds' => 30, 'jar-seconds' => 10, 'work-seconds' => 0);
GetOptions(\%opt, 'host=s', 'port=i', 'jar=s', 'little', 'connections=i', 'idle-seconds=f',
    'mid-frame-seconds=f', 'jar-seconds=f', 'work-seconds=f') && !@ARGV
    or die "usage: rm_proxy.pl [--port N] [--host ADDRESS] [--jar HOST:PORT] [--little]\n";

# The common header (HDR-02): version, length, echo, session key, type, serial, status. The serial
# stays octets, since nothing is read into it. Then: octets of the header, template of the length.
my ($HEADER, $SIZE, $LENGTH) = $opt{little} ? ('C V C a16 C a4 C', 28, 'V') : ('C N C a32 C a8 n', 49, 'N');
my ($FRAME, $BULK_FRAME, $DAY) = (16 << 20, 1 << 20, 86_400);
my $TICKS = POSIX::sysconf(POSIX::_SC_CLK_TCK());
my $BLANK = qr/[ \t\r\n]/;
my $MARK  = qr/[<>,\x01]/;

# ---- The tables of the messages, from the end of this file (CAT-02).
my (%table, %reply);
{
    my $message;
    while (<DATA>) {
        next if /^#|^$/;
        if (/^(\S.*?) -> (\S+)$/) { $message = $1; $reply{$1} = $2; next }
        my ($name, $max, $form, $required, $missing, $empty, $blanks, $wrong, @values) = split;
        my ($parent) = $name =~ /(.*)\./;
        push @{ $table{$message} }, { name => $name, parent => $parent, max => $max, form => $form,
            required => $required, missing => $missing, empty => $empty, blanks => $blanks,
            wrong => $wrong, values => \@values };
    }
}
my %same = ('DATA CAT' => 'DATACAT', RPTTMPLID => 'RPTTMPID', PGTXL => 'PGTXT',
    SUBTOTALCOLUMNS => 'SUBTOTCOL', SUBTOTAL_COLUMNS => 'SUBTOTCOL');
my %pick = map { $_ => 1 } map { /^GPL (.*)/ ? $1 : () } keys %table;

# ---- The data. Those of the worked examples, and what the printed ARD and GURL name.
my %template = map { my %t; @t{qw(id title category type datacat io product server columns)} = @$_; $t{id} => \%t } (
    [1,  'Longest Calls', 'Monitor Usage', 'R', 'U', 'I', 'T', 'TVS', '1 2 36 67'],
    [11, 'Longest Calls', 'Financial', 'R', 'P', 'O', 'V', 'ODS', '36 44 58 67'],
    [15, 'Usage Summary', 'Financial', 'R', 'P', 'B', 'V', 'ODS', '36 58 61 67'],
    [22, 'State Summary', 'Marketing', 'R', 'P', 'O', 'V', 'ODS', '36 54 58 67'],
    [31, 'Call Detail',   'Financial', 'D', 'P', 'O', 'V', 'ODS', '36 44 54 58'],
    [90, 'City Summary',  'Analyze Traffic', 'R', 'P', 'B', 'S', 'ODS', '54 55 67 62 36 61 58 63 64 66 65']);
$_->{DESCRIPTION} = "$_->{title} of the calls of a period" for values %template;
my @access = (['I', 'T', 'U', '1~SHARED'], ['O', 'V', 'P', '2~DIAL-1'], ['O', 'S', 'P', '4~CARD']);
my %rows = (PL_TIMEZONE => '<44~CENTRAL STANDARD TIME><45~EASTERN STANDARD TIME>',
    PL_LANG => '<1234~AMERICAN ENGLISH><1236~SPANISH>');
my @timezones = $rows{PL_TIMEZONE} =~ /<(\d+)~/g;
my @nodes = (['Report', qw(NAME CATEGORY DESCRIPTION PRODUCT STDRPTID USERRPTID STATUS)],
    ['Schedule', qw(SCHEDULE SCHEDTYPE TIMEZONE:PL_TIMEZONE ACTIVE)],
    ['Criteria', qw(COLUMNS:PL_FIELDS SORTBY BILLING:PL_HIER OACCESS:PL_ACCESS TOTALMODE LANG:PL_LANG)]);
sub stamp { return POSIX::strftime('%Y-%m-%d %H:%M', gmtime) }
my (%report, %result);
my $last_report = 245;
my $last_result = time * 1_000_000;    # identifiers of an earlier run are not given again
$report{245} = { USERRPTID => 245, owner => "jeanvnet2\0" . '00022924', STDRPTID => 1, PRODUCT => 'T', NAME => 'My calls',
    CATEGORY => 'Mine', ACTIVE => 0, date => stamp() };

# ---- Syntax (SYN).
sub strip { my ($text) = @_; s/\A$BLANK+//, s/$BLANK+\z// for $text; return $text }
sub fold { my $name = strip(@_); $name =~ tr/a-z/A-Z/; return $same{$name} // $name }

# The code of what is no message (SYN-10), or 0, what stands before the `<`, and within the group.
sub syntax {
    my ($octets) = @_;
    my ($depth, $deepest, $unpaired, $end) = (0, 0, 0, 0);
    while ($octets =~ /([<>])/g) {
        if ($1 eq '<') { $depth++; $deepest = $depth if $depth > $deepest }
        elsif (!$depth) { $unpaired = 1 }
        elsif (!--$depth && !$end) { $end = pos $octets }
    }
    my ($name) = $octets =~ /\A([^<]*)</;
    my $start = 1 + length($name // '');
    my $code = $deepest > 64 || length $octets > 1 << 20 || $octets =~ tr/<,\x01// > 65_536 ? 6102
        : $unpaired || $depth ? 6612
        : !defined $name || $name =~ /[>,=\x01]/ ? 6611
        : substr($octets, $end) !~ /\A[\r\n\0 ]*(?:\|[\r\n\0 ]*)?\z/ ? 6611 : 0;
    return ($code, strip($name // ''), $code ? '' : substr $octets, $start, $end - $start - 1);
}

# The fields of a group, [KEY, VALUE] each, behind what stands before the first (SYN-04, SYN-05).
# `$names` are those of the message's table, directly under the message; nothing within a group.
sub fields {
    my ($group, $names) = @_;
    my @fields = my $lead = ['', ''];
    my ($depth, $pending, $fresh) = (0, '', 1);
    while ($group =~ /($MARK)|([^<>,\x01]+)/g) {
        my ($mark, $text, $next) = ($1, $2, substr $group, pos $group, 1);
        if (!$depth && defined $text) {
            if ($text =~ /\A([^=]+)=(.*)\z/s) {
                push @fields, [fold($1), $2];
                ($pending, $fresh) = ('', 0);
                next;
            }
            my $name = fold($text);
            if ($fresh && $names && ($next eq '<' ? $names->{$name} : $next ne '>' && $names->{lists} && $pick{$name})) {
                push @fields, [$name, ''];
                ($pending, $fresh) = ('', 0);
                next;
            }
        }
        if (!$depth && defined $mark && $mark =~ /[,\x01]/) {
            $fields[-1][1] .= $pending;
            ($pending, $fresh) = ($mark, 1);
            next;
        }
        $depth += { '<' => 1, '>' => -1 }->{ $mark // '' } // 0;
        $fields[-1][1] .= $pending . ($mark // $text);
        ($pending, $fresh) = ('', 0);
    }
    $fields[-1][1] .= $pending if $names;
    return @fields;
}

# Whether a value is empty (SYN-13); its members if it is a list, or nothing if it is none.
sub is_empty { return $_[0] =~ /\A$BLANK*(?:<$BLANK*>)?$BLANK*\z/ }
sub members {
    my ($value) = @_;
    my ($inner) = $value =~ /\A(?:<([^<>]*)>[ \t\r\n,\x01]*)\z/ ? $1 : $value;
    return if $inner =~ /[<>]/;
    my @members = map { strip($_) } split /[~,\x01]/, $inner;
    pop @members while @members && $members[-1] eq '';
    return (grep { $_ eq '' } @members) ? () : @members;
}

# ---- Validation (ERR-03). Each step over the whole message, each in the order of the table.
my %condition = (    # of what the message says: its values by name
    adhoc => sub { $_[0]{SCHEDULE} =~ /\AA/ },
    adtype => sub { $_[0]{SCHEDTYPE} eq 'A' },
    subtotals => sub { $_[0]{TOTALMODE} =~ /\A[13]\z/ },
    tvs => sub { server(@_) eq 'TVS' },
    billed => sub { server(@_) eq 'ODS' || server(@_) eq 'TVS' && $template{ $_[0]{STDRPTID} }{io} ne 'I' },
    plain => sub { my $known = $template{ $_[0]{STDRPTID} }; $known && !length($known->{DESCRIPTION} // '') },
);
sub server { return ($template{ $_[0]{STDRPTID} } // {})->{server} // '' }
my $PAIR = qr/<(?:[^<>,\x01]*[,\x01][^<>,\x01]*|$BLANK*)>/;
my %form = (
    digits => sub { $_[0] =~ /\A[0-9]+\z/ },
    id => sub { $_[0] =~ /\A[0-9]+\z/ },
    number => sub { $_[0] =~ /\A[0-9]+\z/ && $_[0] >= 1 && $_[0] <= 400 },
    mmss => sub { $_[0] =~ /\A[0-9]{0,2}?([0-9]{1,2})\z/ && $1 <= 59 && $_[0] > 0 },
    stamp => sub {
        my ($year, $month, $day, $hour, $minute) = $_[0] =~ /\A([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})\z/
            or return;
        my $leap = $year % 4 == 0 && ($year % 100 || $year % 400 == 0);
        return $year > 0 && $month >= 1 && $month <= 12 && $day >= 1 && $hour < 24 && $minute < 60
            && $day <= ($month == 2 ? 28 + $leap : 30 + ($month + int($month / 8)) % 2);
    },
    entpid => sub { length $_[0] == 8 && $_[0] !~ $MARK },
    text => sub { $_[0] !~ $MARK },
    free => sub { $_[0] !~ /[<>\x01]/ },
    list => sub { scalar members($_[0]) },
    columns => sub { my @m = members($_[0]); @m && !grep { !/\A[0-9]+\z/ } @m },
    sort => sub { my @m = members($_[0]); @m && !grep { !/\A[0-9]+[AD]\z/ } @m },
    group => sub { one_group($_[0], '') },
    headed => sub { $_[0] =~ /\A([^<>]*)/ && one_group($_[0], $1) },
    hierarchy => sub {
        return $_[0] =~ /\A(?:$BLANK*[^<>,\x01]*<(?:$BLANK*$PAIR)+$BLANK*>)+\z/;
    },
    any => sub { 1 },
);
sub one_group {
    my ($value, $head) = @_;
    my ($depth, $groups) = (0, 0);
    my $rest = substr $value, length $head;
    while ($rest =~ /([<>])|([^<>]+)/g) {
        if (defined $2) { return 0 if !$depth }
        elsif ($1 eq '<') { $groups++ if !$depth++ }
        else { $depth-- }
    }
    return $groups < 2 && ($head ne '' || $groups);
}

# The code of the first step that fails and nothing, or 0 and the values by name.
sub judge {
    my ($message, $group) = @_;
    my $gpl = $message eq 'GPL';
    my @tables = grep { $gpl ? /\AGPL / : $_ eq $message } keys %table;
    my %names = (lists => $gpl, map { $_->{name} => 1 } map { @{ $table{$_} } } @tables);
    my ($lead, @fields) = fields($group, \%names);
    return 6610 if $lead->[1] !~ /\A$BLANK*\z/;
    my ($list) = $gpl ? grep { $pick{$_} } map { $_->[0] } @fields : '';
    @tables = "GPL $list" if $list;
    my @rows = map { @{ $table{$_} } } @tables;
    my %row = map { $_->{name} => $_ } @rows;

    my %given;    # step 3, and the values as they came, of members behind a dot
    for my $field (@fields) {
        my ($key, $value) = @$field;
        my $row = $row{$key};
        return 6610 if !$row || $row->{parent};
        push @{ $given{$key} }, $value;
        next if $row->{form} eq 'any';
        my $nested = $value;
        if ($row->{form} =~ /\A(?:group|headed)\z/ && $value =~ /\A([^<>]*)<(.*)>[^<>]*\z/s) {
            my ($before, @members) = fields($2);
            $nested = ",$before->[1]";
            for my $member (@members) {
                return 6610 if !$row{"$key.$member->[0]"};
                push @{ $given{"$key.$member->[0]"} }, $member->[1];
                $nested .= $member->[1];
            }
        }
        my $shared = $key eq 'TIMEZONE' ? qr/LABEL|OFFSET/ : qr/(?!)/;    # of the other ARD: wrong at step 6
        while ($nested =~ /$MARK([^<>,\x01=]+)=/g) { return 6610 if fold($1) !~ /\A$shared\z/ }
    }
    return 6701 if $gpl && !defined $list;

    my %value = map { $_ => strip($given{$_} ? $given{$_}[-1] : '') } keys %row;
    $value{STDRPTID} += 0 if ($value{STDRPTID} // '') =~ /\A[0-9]{1,10}\z/;
    my %asked = map { my ($kind, $name) = split /:/, $_->{required};    # whether the row must have a value
        ($_->{name} => ($_->{parent} && is_empty($value{ $_->{parent} })) ? 0
            : defined $name ? !!$condition{$name}->(\%value) : $kind eq 'yes') } @rows;
    for my $row (@rows) {    # step 4
        my $count = @{ $given{ $row->{name} } // [] };
        return $row->{missing} if $asked{ $row->{name} } && !$count;
        next if $row->{name} !~ /(.*)\.(?:START|END)\z/ || !$asked{ $row->{name} };
        return $row->{missing} if $count < @{ $given{"$1.START"} // [] } || $count < @{ $given{"$1.END"} // [] };
    }
    for my $row (@rows) {    # step 5
        next if $row->{empty} eq '-' || $row->{required} =~ /\Aonly/ && !$asked{ $row->{name} };
        for my $value (@{ $given{ $row->{name} } // [] }) {
            next if !is_empty($value);
            return $row->{blanks} ne '-' && $value =~ /\A$BLANK+\z/ ? $row->{blanks} : $row->{empty};
        }
    }
    for my $row (@rows) {    # step 6; that a parameter given twice is 6103 is left out: README.md
        next if $row->{form} eq 'any';
        for my $value (map { strip($_) } @{ $given{ $row->{name} } // [] }) {
            next if is_empty($value);
            return 6107 if $row->{form} eq 'id' && $value =~ /\A0*([0-9]{10,})\z/ && $1 > 2_147_483_647;
            my $long = $row->{form} =~ /\A(?:list|columns|sort)\z/ ? join(',', members($value)) : $value;
            my ($head) = $row->{form} eq 'headed' ? $value =~ /\A([^<]*)/ : $value;
            my @allowed = $row->{name} eq 'TIMEZONE' ? @timezones : @{ $row->{values} };
            return $row->{wrong} if $row->{max} ne '-' && length $long > $row->{max}
                || !$form{ $row->{form} }->($value) || @allowed && !grep { $_ eq strip($head) } @allowed;
        }
    }
    my $known = $template{ $value{STDRPTID} // '' };    # step 6, behind the lines
    return 6103 if ($value{BILLING} // '') =~ /\A[^<]*<$BLANK*<$BLANK*(?:NA)?$BLANK*[,>]/;
    return 6103 if $message eq 'ARD' && ($value{SCHEDULE} ne '' && ($value{SCHEDTYPE} eq 'A') != ($value{SCHEDULE} =~ /\AA/)
        || $value{SCHEDULE} =~ /\AH/ && $known && $known->{datacat} eq 'P'
        || overlap(map { [map { strip($_) } @{ $given{"SCHEDULE.$_"} // [] }] } qw(START END)));
    for my $name (qw(COLUMNS SORTBY SUBTOTCOL)) {
        next if !$known || is_empty($value{$name} // '');
        return 6103 if grep { /(\d+)/; " $known->{columns} " !~ / $1 / } members($value{$name});
    }
    return (0, { map { $_ => is_empty($value{$_}) ? '' : $value{$_} } keys %value }, $list);
}
sub overlap {
    my ($starts, $ends) = @_;
    my @pairs = sort { $a->[0] cmp $b->[0] } map { [$starts->[$_], $ends->[$_]] } 0 .. $#$starts;
    return grep { $pairs[$_][1] le $pairs[$_][0] || $_ && $pairs[$_][0] lt $pairs[$_ - 1][1] } 0 .. $#pairs;
}

# ---- Execution (step 8). Each gets the values and the customer, and gives a code or the parameters.
sub by_category {
    my ($rows, @members) = @_;
    my (%group, @order);
    for my $row (@$rows) {
        my $category = plain($row->{category} // $row->{CATEGORY});
        push @order, $category if !$group{$category};
        push @{ $group{$category} }, '<' . join(',', map { plain($row->{$_}) } @members) . '>';
    }
    return @$rows ? ('', 'REPORTS', join ',', map { "<$_=" . join(',', @{ $group{$_} }) . '>' } @order) : 6109;
}
sub plain { my ($text) = @_; $text =~ tr/,~=/ /; return $text }    # CAT-05
sub screens {
    my ($report, $known) = @_;
    my %shown = (%$known, NAME => '', STATUS => '', PRODUCT => $known->{product}, STDRPTID => $known->{id},
        CATEGORY => $known->{category}, COLUMNS => $known->{columns}, map { $_ => $report->{$_} }
        grep { length $report->{$_} } keys %$report);
    my ($level, @screens) = (0);
    for my $node (@nodes) {
        my ($label, @controls) = @$node;
        $level++;
        push @screens, "NODE$level", "<$level,$label,$level," . join(',', map { my ($name, $list) = split /:/;
            my $value = $shown{$name} // '';
            $value = join ' ', members($value) if $name =~ /\A(?:COLUMNS|SORTBY|OACCESS)\z/;
            "<$name," . ($value =~ /</ ? $value : plain($value)) . ',' . ($list // '') . '>' } @controls) . '>';
    }
    return ('', ID => $known->{id}, @screens);
}
sub own { my ($id, $who) = @_; my $row = $report{ $id + 0 }; return $row && $row->{owner} eq $who ? $row : undef }
sub add {
    my ($row) = @_;
    return 6107 if $last_report >= 2_147_483_647;
    $last_report++;
    $report{$last_report} = { %$row, USERRPTID => $last_report, date => stamp(),
        STATUS => $row->{ACTIVE} && $row->{SCHEDULE} ? 'R' : 'S' };
    return ('', USERRPTID => $last_report);
}
my %work = (
    GRTL => sub { my ($v) = @_;
        return by_category([grep { $_->{product} eq $v->{PRODUCT} && $_->{datacat} eq $v->{DATACAT}
            && ($v->{DATATYPE} eq 'A' || $_->{type} eq $v->{DATATYPE})
            && ($v->{IO} eq 'B' || $_->{io} eq 'B' || $_->{io} eq $v->{IO}) }
            map { $template{$_} } sort { $a <=> $b } keys %template], qw(title id type)) },
    GRTD => sub { my $known = $template{ $_[0]{REPORTID} + 0 }; return $known ? screens({}, $known) : 6109 },
    GURL => sub { my ($v, $who) = @_;
        my @rows = grep { $_ && $_->{STDRPTID} == $v->{RPTTMPID} && $_->{PRODUCT} eq $v->{PRODUCT}
            && $template{ $_->{STDRPTID} }{datacat} eq $v->{DATACAT} } map { own($_, $who) } sort { $a <=> $b } keys %report;
        return by_category([map { { %$_, type => $template{ $_->{STDRPTID} }{type} } } @rows],
            qw(NAME USERRPTID ACTIVE type date)) },
    GURD => sub { my $row = own($_[0]{REPORTID}, $_[1]); return $row ? screens($row, $template{ $row->{STDRPTID} }) : 6109 },
    ARD => sub { my ($v, $who) = @_; return add({ %$v, ACTIVE => $v->{ACTIVE} || 0, owner => $who }) },
    CRD => sub { my $row = own($_[0]{USERRPTID}, $_[1]); return $row ? add({ %$row, NAME => $_[0]{NAME}, ACTIVE => 0 }) : 6109 },
    DRD => sub { my $row = own($_[0]{USERRPTID}, $_[1]) or return 6109;
        return ('', USERRPTID => delete($report{ $row->{USERRPTID} })->{USERRPTID}) },
    URS => sub { my $row = own($_[0]{USERRPTID}, $_[1]) or return 6109;
        @$row{qw(ACTIVE STATUS date)} = ($_[0]{ACTIVE}, $_[0]{ACTIVE} && $row->{SCHEDULE} ? 'R' : 'S',
            stamp());
        return ('', USERRPTID => $row->{USERRPTID}) },
    GPL => sub { my ($v, undef, $list) = @_;
        my $rows = $list ne 'PL_ACCESS' ? $rows{$list} : join '', map { "<$_->[3]>" } grep { $_->[0] eq $v->{IO}
            && $_->[1] eq $v->{PRODUCT} && ($v->{DATACAT} eq 'B' || $_->[2] eq $v->{DATACAT}) } @access;
        return $rows ? ('', $list => $rows) : 6109 },
);

# The status and the message with which a customer's message is answered.
sub answer {
    my ($octets, $who) = @_;
    my ($code, $name, $group) = syntax($octets);
    my $echo = $name =~ /\A[^<>,=\x01]{1,8}\z/ ? $name : '';
    return (100, "$echo<ERROR=$code>") if $code;
    $echo = 'METADATA' if $name eq '' && ((fields($group))[1] // [''])->[0] eq 'METADATA';
    return (100, "$echo<ERROR=6104>") if !$work{$name};
    ($code, my $values, my $list) = judge($name, $group);
    my ($user, $enterprise) = split /\0/, $who, 2;
    $code ||= 6115 if !$code && (($values->{USERID} // '') ne '' && $values->{USERID} ne $user
        || ($values->{ENTPID} // '') ne '' && $values->{ENTPID} ne $enterprise
        || $name eq 'ARD' && ($template{ $values->{STDRPTID} } // { product => '' })->{product} ne $values->{PRODUCT});
    ($code, my @told) = $work{$name}->($values, $who, $list) if !$code;
    my $acronym = $name eq 'GPL' ? 'GPLA' : $reply{$name};
    return (100, "$acronym<ERROR=$code>") if $code;
    my $text = '';
    while (my ($key, $value) = splice @told, 0, 2) { $text .= ",$key=$value" }
    return (0, "$acronym<ERROR=0$text>");
}

# ---- The wire (HDR, TRN). A connection: `in` and `out` are octets, `busy` while the jar is asked,
# `last` when nothing more is read as frames, `since` the time of the first octet of an unfinished frame.
my (%conn, %ready, $stopping);
my $listener = IO::Socket::INET->new(LocalAddr => $opt{host}, LocalPort => $opt{port}, Listen => 128,
    ReuseAddr => 1, Blocking => 0) or die "rm_proxy.pl: cannot listen on $opt{host} $opt{port}: $!\n";
sub now { return (POSIX::times())[0] / $TICKS }    # no clock that somebody sets
sub send_frame {
    my ($conn, $status, $frame, $data) = @_;
    $data //= '';
    $conn->{out} .= pack($HEADER, 1, $SIZE + length $data, 0, $frame->{key} // '', $frame->{type} // 0,
        $frame->{serial} // '', $status) . $data;
    $conn->{last} = 1 if $status == 101 || $status == 102 || ($frame->{type} // 0) =~ /\A[12]\z/;
}

# Judges what has come in, frame by frame, in the order of HDR-03.
sub advance {
    my ($conn) = @_;
    while (!$conn->{busy} && !$conn->{last} && length $conn->{in}) {
        my $have = length $conn->{in};
        if (ord $conn->{in} != 1) { send_frame($conn, 101, {}); last }
        last if $have < 5;
        my $length = unpack "x $LENGTH", $conn->{in};
        my %frame;
        @frame{qw(version length echo key type serial)} = unpack $HEADER, $conn->{in} if $have >= $SIZE;
        my $most = ($frame{type} // 0) == 3 ? $BULK_FRAME : $FRAME;
        if ($length < $SIZE || $length > $most) { send_frame($conn, 102, {}); last }
        last if $have < $length;
        my $octets = substr $conn->{in}, 0, $length, '';
        @$conn{qw(since quiet)} = (undef, now());
        if ($frame{echo}) { $conn->{out} .= $octets }
        elsif ($conn->{crowd}) { send_frame($conn, 111, \%frame); $conn->{last} = 1 }
        elsif ($frame{type} > 2) { send_frame($conn, 107, \%frame) }    # no bulk: README.md
        else { ask_jar($conn, { %frame, data => substr $octets, $SIZE }) }
    }
    $conn->{in} = '' if $conn->{last};
    $conn->{since} //= now() if length $conn->{in} && !$conn->{busy};
    $conn->{last} = 1 if $conn->{ended} && !$conn->{busy};
    finish($conn) if $conn->{last} && !length $conn->{out};
}

# Ends a connection so that the reply arrives: nothing more is sent, what still comes is read away.
sub finish {
    my ($conn) = @_;
    return drop($conn) if $conn->{ended} || $conn->{for};
    shutdown $conn->{sock}, SHUT_WR if !$conn->{closing};
    $conn->{closing} //= now() + 2;
}
sub drop { my ($conn) = @_; delete $conn{ fileno $conn->{sock} }; close $conn->{sock} }
sub keep {
    my ($conn) = @_;
    return $conn{ fileno $conn->{sock} } = { in => '', out => '', quiet => now(), %$conn };
}

# Asks the cookie jar whose session a key is (HDR-11, WEB-09), on a connection of its own.
sub ask_jar {
    my ($conn, $frame) = @_;
    $conn->{busy} = 1;
    (my $key = $frame->{key}) =~ s/\0+\z//;
    return judged($conn, $frame, 105) if $key eq '' || $key =~ $MARK;
    my $sock = IO::Socket::INET->new(PeerAddr => $opt{jar}, Blocking => 0) or return judged($conn, $frame, 106);
    keep({ sock => $sock, out => "CKG<KEY=$key>", for => $conn, frame => $frame, until => now() + $opt{'jar-seconds'} });
}
sub jar_said {
    my ($asked) = @_;
    my $told = $asked->{in};
    my $whole = ($told =~ tr/<//) && ($told =~ tr/<//) == ($told =~ tr/>//);
    return if !$whole && !$asked->{ended} && length $told < 65_536;
    drop($asked);
    my ($code, $name, $group) = syntax($told);
    my %said = $code || $name ne 'CKGA' ? () : map { $_->[0] => strip($_->[1]) } fields($group);
    my $error = $said{ERROR} // 'none';
    judged($asked->{for}, $asked->{frame}, $error eq '6109' ? 105 : $error eq '0' ? 0 : 106,
        join "\0", map { $_ // '' } @said{qw(USERID ENTPID)});
}

# Goes on with a frame of which the jar has said whose it is.
sub judged {
    my ($conn, $frame, $status, $who) = @_;
    $conn->{busy} = 0;
    my $data = $frame->{data};
    if ($status) { send_frame($conn, $status, $frame) }
    elsif ($frame->{type} == 0) { my ($outcome, $message) = answer($data, $who); send_frame($conn, $outcome, $frame, $message) }
    elsif ($frame->{type} == 1) {    # a repetition is not recognised: README.md
        my $id = sprintf '%020d', ++$last_result;
        $result{$id} = { who => $who, data => $data, at => now() + $opt{'work-seconds'} };
        send_frame($conn, 1, $frame, $id);
    }
    else {
        my $result = $result{$data};
        if (!$result || $result->{who} ne $who) { send_frame($conn, 108, $frame) }
        elsif (!$result->{answer}) { send_frame($conn, 2, $frame) }
        else { send_frame($conn, $result->{answer}[0], $frame, $result->{answer}[1]) }
    }
    advance($conn) if $conn{ fileno($conn->{sock}) // -1 };
}

sub readable {
    my ($conn) = @_;
    my $count = sysread $conn->{sock}, $conn->{in}, 65_536, length $conn->{in};
    return if !defined $count && $!{EAGAIN};
    $conn->{quiet} = now();
    $conn->{ended} = 1 if !$count;
    return drop($conn) if !defined $count && !$conn->{for} && !$conn->{busy};
    $conn->{for} ? jar_said($conn) : $conn->{closing} ? $conn->{ended} && drop($conn) : advance($conn);
}
sub writable {
    my ($conn) = @_;
    my $count = syswrite $conn->{sock}, $conn->{out};
    return if !defined $count && $!{EAGAIN};
    if (!defined $count) {
        $conn->{ended} = 1;
        return $conn->{for} ? jar_said($conn) : drop($conn);
    }
    substr $conn->{out}, 0, $count, '';
    $conn->{quiet} = now();
    advance($conn) if !$conn->{for};
}
sub timers {
    my $now = now();
    for my $id (grep { !$result{$_}{answer} || $result{$_}{at} < $now - $DAY } keys %result) {
        my $result = $result{$id};
        if ($result->{answer}) { delete $result{$id} }
        elsif ($result->{at} <= $now) { $result->{answer} = [answer($result->{data}, $result->{who})] }
    }
    for my $conn (values %conn) {
        if ($conn->{for}) { if ($conn->{until} < $now) { $conn->{ended} = 1; jar_said($conn) } }
        elsif ($conn->{closing}) { drop($conn) if $conn->{closing} < $now }
        elsif ($conn->{busy}) { }
        elsif ($conn->{since} ? $conn->{since} < $now - $opt{'mid-frame-seconds'} : $conn->{quiet} < $now - $opt{'idle-seconds'}) {
            drop($conn);
        }
        elsif ($stopping && !length $conn->{out}) { $conn->{last} = 1; finish($conn) }
    }
}

$SIG{PIPE} = 'IGNORE';
$SIG{TERM} = $SIG{INT} = sub { $stopping = 1 };
$| = 1;
printf "listening rm %s %d\nready\n", $listener->sockhost, $listener->sockport;
while (!$stopping || %conn) {
    $listener = close($listener) && undef if $stopping && $listener;
    my @all = values %conn;
    my $read = IO::Select->new($listener // (), map { $_->{sock} }
        grep { !$_->{ended} && length $_->{out} < 65_536 && (!$_->{busy} || length $_->{in} < 65_536) } @all);
    my $write = IO::Select->new(map { $_->{sock} } grep { length $_->{out} } @all);
    my ($can_read, $can_write) = IO::Select->select($read, $write, undef, 0.05);
    for my $sock (@{ $can_write // [] }) {
        my $conn = $conn{ fileno($sock) // -1 };
        writable($conn) if $conn && $conn->{sock} == $sock;
    }
    for my $sock (@{ $can_read // [] }) {
        if ($listener && $sock == $listener) {
            my $peer = $listener->accept or next;
            $peer->blocking(0);
            my $count = grep { !$_->{for} } values %conn;
            keep({ sock => $peer, crowd => $count >= $opt{connections} }) if $count < 2 * $opt{connections};
            next;
        }
        my $conn = $conn{ fileno($sock) // -1 };
        readable($conn) if $conn && $conn->{sock} == $sock;
    }
    timers();
}

# MESSAGE -> REPLY, then a line for each parameter in the order of the catalogue: name, length, form,
# required, the codes for missing, empty, blanks and wrong, acceptable values. `-` is none.
__DATA__
GRTL -> SRTL
PRODUCT   1 text yes 6827 6828 - 6103 V C S T H
DATATYPE  1 text yes 6809 6810 - 6103 R D A
DATACAT   1 text yes 6807 6808 - 6103 P U
IO        1 text yes 6701 6703 - 6103 I O B

GRTD -> SRTD
REPORTID 10 id   yes 6829 6830 - 6103

GURL -> SURL
USERID   20 text yes 6839 6840 - 6103
RPTTMPID 10 id   yes 6831 6832 - 6103
ENTPID    8 entpid yes 6815 6816 6113 6706
PRODUCT   1 text yes 6827 6828 - 6103 V C S T H
DATACAT   1 text yes 6807 6808 - 6103 P U

GURD -> SURD
REPORTID 10 id   yes 6829 6830 - 6103

ARD -> ARDA
USERID     20 text yes 6839 6840 - 6103
ENTPID      8 entpid yes 6815 6816 6113 6706
STDRPTID   10 id   yes 6835 6836 - 6103
NAME      100 free yes 6823 6824 6113 6103
PRODUCT     1 text yes 6827 6828 - 6103 V C S T H
CATEGORY    - free yes 6803 6804 6704 6103
THRESHOLD   - group no - - - 6103
THRESHOLD.RECCOUNT 4 digits yes 6114 6703 - 6103
THRESHOLD.RANKING  3 number no - - - 6103
THRESHOLD.DURATION 4 mmss no - - - 6103
THRESHOLD.ANI      3 number no - - - 6103
SCHEDULE    - headed no - - - 6103 A H D W M
SCHEDULE.START 12 stamp only:adhoc 6602 6602 - 6103
SCHEDULE.END   12 stamp only:adhoc 6603 6603 - 6103
RANGETYPE   1 text only:adtype 6705 6705 - 6103 1 0
SCHEDTYPE   1 text yes 6833 6834 - 6103 A R
TIMEZONE    3 text yes 6701 6703 - 6103
NDIALED     - list only:tvs 6601 6601 - 6103
BILLING     - hierarchy when:billed 6701 6702 - 6103
CARDNO      - list no - - - 6103
IDAC        - list no - - - 6103
GEO         - hierarchy no - - - 6103
IACCESS     - list no - - - 6103
OACCESS     - list no - - - 6103
IDISTRANGE  - list no - - - 6103
IUSAGE      - list no - - - 6103
ODISTRANGE  - list no - - - 6103
OUSAGE      - list no - - - 6103
SORTBY      - sort no - - - 6103
DESCRIPTION - free when:plain 6811 6812 - 6103
COLUMNS     - columns no - - - 6103
ACTIVE      1 text no - 6802 - 6103 0 1
DURRANGE    - list no - - - 6103
TOTALMODE   1 text no - - - 6103 0 1 2 3
SUBTOTCOL  20 columns when:subtotals 6701 6702 - 6103
MMADDR     75 text no - - - 6103
MMTEXT    500 free no - - - 6103
PGT        15 text no - - - 6103
PGPIN       8 text no - - - 6103
PGTXT     240 free no - - - 6103
EMAIL       1 text yes 6813 6814 - 6103 0 1
PAGE        1 text yes 6825 6826 - 6103 0 1
LANG        4 text no - - - 6103
CURR        4 text no - - - 6103

DRD -> DRDA
USERID    20 text yes 6839 6840 - 6103
USERRPTID 10 id   yes 6841 6842 - 6103

CRD -> CRDA
USERRPTID 10 id   yes 6841 6842 - 6103
NAME      50 free yes 6823 6824 6113 6103

URS -> URSA
USERRPTID 10 id   yes 6841 6842 - 6103
ACTIVE     1 text yes 6801 6802 - 6103 0 1

GPL PL_ACCESS -> GPLA
PL_ACCESS  - text yes 6701 - - 6103 PL_ACCESS
IO         1 text yes 6701 6703 - 6103 I O
PRODUCT    1 text yes 6827 6828 - 6103 V C S T H
DATACAT    1 text yes 6807 6808 - 6103 U P B
ERROR      4 any  no - - - -

GPL PL_TIMEZONE -> GPLA
PL_TIMEZONE - text yes 6701 - - 6103 PL_TIMEZONE
ERROR       4 any  no - - - -

GPL PL_LANG -> GPLA
ERROR       4 any  no - - - -
PL_LANG     - text yes 6701 - - 6103 PL_LANG
