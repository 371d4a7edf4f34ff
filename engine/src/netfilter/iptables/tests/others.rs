//! What others than kube-proxy write: their forms of rules, as `iptables-save` prints them, read and
//! printed again. The texts are made for this test.

use super::*;

/// The kubelet's marks and its guard of the loopback, and its hint at who writes the rules.
const KUBELET: &str = r#"*mangle
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:KUBE-IPTABLES-HINT - [0:0]
:KUBE-KUBELET-CANARY - [0:0]
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:KUBE-FIREWALL - [0:0]
-A INPUT -j KUBE-FIREWALL
-A OUTPUT -j KUBE-FIREWALL
-A KUBE-FIREWALL ! -s 127.0.0.0/8 -d 127.0.0.0/8 -m comment --comment "block incoming localnet connections" -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP
-A KUBE-FIREWALL -m comment --comment "kubernetes firewall for dropping marked packets" -m mark --mark 0x8000/0x8000 -j DROP
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:KUBE-MARK-DROP - [0:0]
-A KUBE-MARK-DROP -j MARK --set-xmark 0x8000/0x8000
COMMIT
"#;

/// Calico's ways of saying things: marks that end, sets, ports of several kinds, reverse paths.
const CALICO: &str = r#"*raw
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:cali-PREROUTING - [0:0]
:cali-rpf-skip - [0:0]
-A PREROUTING -m comment --comment "cali:6gwbT8clXdHdC1b1" -j cali-PREROUTING
-A cali-PREROUTING -m comment --comment "cali:XFX5xbM8B9qR10JG" -j MARK --set-xmark 0x0/0xf0000
-A cali-PREROUTING -i cali+ -m comment --comment "cali:EWMPb0zVROM-woQp" -j MARK --set-xmark 0x40000/0x40000
-A cali-PREROUTING -m comment --comment "cali:PWuxTAIaFCtsg5Qa" -m mark --mark 0x40000/0x40000 -j cali-rpf-skip
-A cali-PREROUTING -m comment --comment "cali:fSSbGND7dgyemWU7" -m mark --mark 0x40000/0x40000 -m rpfilter --validmark --invert -j DROP
-A cali-PREROUTING -m comment --comment "cali:ImU0-4Rl2WoOI9Ou" -m mark --mark 0x0/0x40000 -j ACCEPT
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:cali-FORWARD - [0:0]
:cali-INPUT - [0:0]
:cali-tw-cali1 - [0:0]
-A INPUT -m comment --comment "cali:Cz_u1IQiXIMmKD4c" -j cali-INPUT
-A FORWARD -m comment --comment "cali:wUHhoiAYhphO9Mso" -j cali-FORWARD
-A FORWARD -m comment --comment "cali:S93hcgKJrXEqnTfs" -m mark --mark 0x10000/0x10000 -j ACCEPT
-A cali-FORWARD -o cali+ -m comment --comment "cali:jxvuJjmmRV135nVu" -g cali-tw-cali1
-A cali-INPUT -p 4 -m comment --comment "cali:PajejrV4aFdkZojI" -m set --match-set cali40all-hosts-net src -m addrtype --dst-type LOCAL -j ACCEPT
-A cali-INPUT -p udp -m comment --comment "cali:1-uS_0bQjV2nCVCL" -m multiport --dports 4789 -m addrtype --dst-type LOCAL -j DROP
-A cali-tw-cali1 -m comment --comment "cali:7nXaPfjGk5Zb" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A cali-tw-cali1 -p tcp -m comment --comment "cali:aaaa" -m set ! --match-set cali40s:peers src,dst -m multiport --dports 80,443,8000:8080 -j MARK --set-xmark 0x10000/0x10000
-A cali-tw-cali1 -p icmp -m comment --comment "cali:bbbb" -m icmp --icmp-type 8/0 -j RETURN
-A cali-tw-cali1 -m comment --comment "cali:cccc" -m limit --limit 5/min --limit-burst 10 -j LOG --log-prefix "calico-packet: " --log-level 5
-A cali-tw-cali1 -m comment --comment "cali:dddd" -j NFLOG --nflog-prefix "DRD|no-policy" --nflog-group 2 --nflog-size 80
-A cali-tw-cali1 -m comment --comment "cali:eeee" -j REJECT --reject-with icmp-admin-prohibited
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:cali-nat-outgoing - [0:0]
-A POSTROUTING -m comment --comment "cali:O3lYWMrLQYEMJtB5" -j cali-nat-outgoing
-A POSTROUTING -o tunl0 -m comment --comment "cali:SXWvdsbh4Mw7wOln" -m addrtype ! --src-type LOCAL --limit-iface-out -m addrtype --src-type LOCAL -j MASQUERADE --random-fully
-A cali-nat-outgoing -m comment --comment "cali:flqWnvo8yq4ULQLa" -m set --match-set cali40masq-ipam-pools src -m set ! --match-set cali40all-ipam-pools dst -j MASQUERADE --random-fully
COMMIT
"#;

/// Flannel's masquerade, and what a container runtime's bridge plugin and its port map say.
const FLANNEL: &str = r#"*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:FLANNEL-FWD - [0:0]
-A FORWARD -m comment --comment "flanneld forward" -j FLANNEL-FWD
-A FLANNEL-FWD -s 10.244.0.0/16 -m comment --comment "flanneld forward" -j ACCEPT
-A FLANNEL-FWD -d 10.244.0.0/16 -m comment --comment "flanneld forward" -j ACCEPT
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:CNI-DN-1 - [0:0]
:CNI-HOSTPORT-DNAT - [0:0]
:CNI-HOSTPORT-MASQ - [0:0]
:CNI-HOSTPORT-SETMARK - [0:0]
:FLANNEL-POSTRTG - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT
-A POSTROUTING -m comment --comment "CNI portfwd requiring masquerade" -j CNI-HOSTPORT-MASQ
-A POSTROUTING -m comment --comment "flanneld masq" -j FLANNEL-POSTRTG
-A CNI-DN-1 -s 10.244.1.0/24 -p tcp -m tcp --dport 8080 -j CNI-HOSTPORT-SETMARK
-A CNI-DN-1 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 10.244.1.5:80
-A CNI-HOSTPORT-DNAT -p tcp -m comment --comment "dnat name: \"cbr0\" id: \"1\"" -m multiport --dports 8080,8443 -j CNI-DN-1
-A CNI-HOSTPORT-MASQ -m mark --mark 0x2000/0x2000 -j MASQUERADE
-A CNI-HOSTPORT-SETMARK -m comment --comment "CNI portfwd masquerade mark" -j MARK --set-xmark 0x2000/0x2000
-A FLANNEL-POSTRTG -m mark --mark 0x4000/0x4000 -m comment --comment "flanneld masq" -j RETURN
-A FLANNEL-POSTRTG -s 10.244.1.0/24 -d 10.244.0.0/16 -m comment --comment "flanneld masq" -j RETURN
-A FLANNEL-POSTRTG ! -s 10.244.0.0/16 -d 10.244.1.0/24 -m comment --comment "flanneld masq" -j RETURN
-A FLANNEL-POSTRTG -s 10.244.0.0/16 ! -d 224.0.0.0/4 -m comment --comment "flanneld masq" -j MASQUERADE --random-fully
COMMIT
"#;

/// The masquerade of kind's own network plugin, and the runtime's resolver that lives on 127.0.0.11.
const KIND: &str = r#"*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:DOCKER_OUTPUT - [0:0]
:DOCKER_POSTROUTING - [0:0]
:KIND-MASQ-AGENT - [0:0]
-A PREROUTING -d 172.18.0.1/32 -j DOCKER_OUTPUT
-A OUTPUT -d 172.18.0.1/32 -j DOCKER_OUTPUT
-A POSTROUTING -d 172.18.0.1/32 -j DOCKER_POSTROUTING
-A POSTROUTING -m addrtype ! --dst-type LOCAL -m comment --comment "kind-masq-agent: ensure nat POSTROUTING directs all non-LOCAL destination traffic to our custom KIND-MASQ-AGENT chain" -j KIND-MASQ-AGENT
-A DOCKER_OUTPUT -d 172.18.0.1/32 -p tcp -m tcp --dport 53 -j DNAT --to-destination 127.0.0.11:36719
-A DOCKER_OUTPUT -d 172.18.0.1/32 -p udp -m udp --dport 53 -j DNAT --to-destination 127.0.0.11:49303
-A DOCKER_POSTROUTING -s 127.0.0.11/32 -p tcp -m tcp --sport 36719 -j SNAT --to-source 172.18.0.1:53
-A DOCKER_POSTROUTING -s 127.0.0.11/32 -p udp -m udp --sport 49303 -j SNAT --to-source 172.18.0.1:53
-A KIND-MASQ-AGENT -d 10.244.0.0/16 -m comment --comment "kind-masq-agent: local traffic is not subject to MASQUERADE" -j RETURN
-A KIND-MASQ-AGENT -m comment --comment "kind-masq-agent: outbound traffic is subject to MASQUERADE (must be last in chain)" -j MASQUERADE
COMMIT
"#;

/// Every other form of a match or target that is modelled, once.
const FORMS: &str = r#"*raw
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A PREROUTING -p tcp -m tcp --dport 9999 -j NOTRACK
-A PREROUTING -p udp -m udp --dport 9999 -j CT --notrack
COMMIT
*filter
:INPUT DROP [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT ! -i eth+ -p tcp -m tcp --sport 1024:65535 ! --dport 22 --tcp-flags FIN,SYN,RST,ACK SYN -j ACCEPT
-A INPUT -p sctp -m sctp --dport 3868 -j ACCEPT
-A INPUT -p tcp -m multiport ! --sports 1,2 -m multiport --ports 80:90 -j ACCEPT
-A INPUT -m state --state NEW,ESTABLISHED
-A INPUT -m state ! --state INVALID -g OTHER
-A INPUT -m connmark ! --mark 0x1 -j CONNMARK --set-xmark 0x1/0xffffffff
-A INPUT -j CONNMARK --save-mark --nfmask 0xff --ctmask 0xff
-A INPUT -j CONNMARK --restore-mark --nfmask 0xff --ctmask 0xffffffff
-A INPUT -m statistic --mode random ! --probability 0.25000000000 -j DROP
-A INPUT -m statistic --mode nth --every 3 --packet 1 -j DROP
-A INPUT -m recent --update --seconds 60 --hitcount 4 --name SSH --mask 255.255.255.0 --rdest -j DROP
-A INPUT -m recent ! --remove --name SSH --mask 255.255.255.255 --rsource -j DROP
-A INPUT -m physdev ! --physdev-is-bridged -j ACCEPT
-A INPUT -m addrtype ! --src-type LOCAL,MULTICAST --dst-type BROADCAST --limit-iface-in -j DROP
-A INPUT -p icmp -m icmp --icmp-type any -j ACCEPT
-A INPUT -p 112 -f -j DROP
-A INPUT -m limit --limit 1/sec -j LOG
-A INPUT -p tcp -j REJECT --reject-with tcp-reset
-A INPUT -m comment --comment plain -m comment --comment "and more" -j REJECT --reject-with icmp-host-prohibited
-A FORWARD -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu
-A OUTPUT -d 10.0.0.0/255.0.255.0 -j RETURN
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -p tcp -j REDIRECT --to-ports 8080-8090 --random
-A PREROUTING -p tcp -j DNAT --to-destination 10.0.0.1-10.0.0.9:80-90 --persistent
-A PREROUTING -p tcp -j DNAT --to-destination :8080
-A POSTROUTING -p tcp -j MASQUERADE --to-ports 1024-65535
-A POSTROUTING -j SNAT --to-source 192.0.2.1 --random --random-fully
COMMIT
"#;

/// ip6tables' own words.
const SIX: &str = r#"*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -s fd00::/8 ! -d fd00::1/128 -p ipv6-icmp -m icmp6 --icmpv6-type 135 -j ACCEPT
-A INPUT -p ipv6-icmp -m icmp6 ! --icmpv6-type 1/4 -j DROP
-A INPUT -m recent --rcheck --seconds 10 --reap --name A --mask ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff --rsource -j REJECT --reject-with icmp6-policy-fail
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -p udp -j DNAT --to-destination [fd00::a]:53
-A PREROUTING -j DNAT --to-destination fd00::a-fd00::f
COMMIT
"#;

fn restored(text: &str, family: IpFamily) -> (Tables, Vec<String>) {
    let mut tables = Tables::new(family);
    let errors = tables.restore(text, Before::Flush);
    (tables, errors.iter().map(ToString::to_string).collect())
}

#[test]
fn what_others_write_is_read_and_printed_again_byte_for_byte() {
    for text in [KUBELET, CALICO, FLANNEL, KIND] {
        let (tables, errors) = restored(text, IpFamily::IPv4);
        assert_eq!(errors, [""; 0]);
        assert_eq!(tables.save(), text);
    }
    let (tables, errors) = restored(SIX, IpFamily::IPv6);
    assert_eq!(errors, [""; 0]);
    assert_eq!(tables.save(), SIX);
    let (tables, errors) = restored(FORMS, IpFamily::IPv4);
    assert_eq!(errors, ["line 16: no such chain in table filter: `OTHER`"]);
    assert_eq!(tables.save(), FORMS);
}

#[test]
fn every_form_is_listed_in_the_tools_words() {
    let (tables, _) = restored(FORMS, IpFamily::IPv4);
    let list = tables.list("filter").unwrap();
    for wanted in [
        "Chain INPUT (policy DROP)\n",
        "ACCEPT     6    --  0.0.0.0/0            0.0.0.0/0            tcp spts:1024:65535 dpt:!22 flags:0x17/0x02\n",
        "ACCEPT     132  --  0.0.0.0/0            0.0.0.0/0            sctp dpt:3868\n",
        "ACCEPT     6    --  0.0.0.0/0            0.0.0.0/0            multiport sports  !1,2 multiport ports 80:90\n",
        "           0    --  0.0.0.0/0            0.0.0.0/0            state NEW,ESTABLISHED\n",
        "OTHER      0    --  0.0.0.0/0            0.0.0.0/0           [goto]  ! state INVALID\n",
        "connmark match  ! 0x1 CONNMARK set 0x1\n",
        "CONNMARK save mask 0xff\n",
        "CONNMARK restore ctmask 0xffffffff nfmask ~0xff\n",
        "statistic mode random ! probability 0.25000000000\n",
        "statistic mode nth every 3 packet 1\n",
        "recent: UPDATE seconds: 60 hit_count: 4 name: SSH side: dest mask: 255.255.255.0\n",
        "PHYSDEV match ! --physdev-is-bridged\n",
        "ADDRTYPE match src-type !LOCAL,MULTICAST dst-type BROADCAST limit-in\n",
        "DROP       112  -f  0.0.0.0/0            0.0.0.0/0           \n",
        "limit: avg 1/sec burst 5 LOG flags 0 level 4\n",
        "reject-with tcp-reset\n",
        "/* plain */ /* and more */ reject-with icmp-host-prohibited\n",
        "RETURN     0    --  0.0.0.0/0            10.0.0.0/255.0.255.0 \n",
    ] {
        assert!(list.contains(wanted), "{wanted}\n{list}");
    }
    let list = tables.list("nat").unwrap();
    for wanted in [
        "REDIRECT   6    --  0.0.0.0/0            0.0.0.0/0            redir ports 8080-8090 random\n",
        "to:10.0.0.1-10.0.0.9:80-90 persistent\n",
        "MASQUERADE  6    --  0.0.0.0/0            0.0.0.0/0            masq ports: 1024-65535\n",
        "to:192.0.2.1 random random-fully\n",
    ] {
        assert!(list.contains(wanted), "{wanted}\n{list}");
    }
}

#[test]
fn what_is_not_modelled_is_named_with_its_line_and_printed_as_it_was_written() {
    let text = "*filter\n\
        :INPUT ACCEPT [0:0]\n\
        :FORWARD ACCEPT [0:0]\n\
        :OUTPUT ACCEPT [0:0]\n\
        -A INPUT -p tcp -m tcp --dport 22 --tcp-option 5 -m owner --uid-owner 0 -j ACCEPT\n\
        -A INPUT -m conntrack --ctstate NEW ! --ctstatus CONFIRMED -j DROP\n\
        -A INPUT -m physdev --physdev-in eth0 -j ACCEPT\n\
        -A INPUT -m hashlimit --hashlimit-upto 5/sec --hashlimit-name \"a b\" -j ACCEPT\n\
        -A INPUT -m set --match-set a src --return-nomatch -j ACCEPT\n\
        -A INPUT -m addrtype --dst-type ANYCAST -j ACCEPT\n\
        -A INPUT -p tcp -j TPROXY --on-port 15001 --on-ip 0.0.0.0 --tproxy-mark 0x1/0x1\n\
        -A INPUT -j CT --zone 5\n\
        COMMIT\n";
    let (tables, errors) = restored(text, IpFamily::IPv4);
    assert_eq!(
        errors,
        [
            "line 5: `--tcp-option` of match module `tcp` is not modelled",
            "line 5: match module `owner` is not modelled",
            "line 6: `--ctstatus` of match module `conntrack` is not modelled",
            "line 7: `--physdev-in` of match module `physdev` is not modelled",
            "line 8: match module `hashlimit` is not modelled",
            "line 9: `--return-nomatch` of match module `set` is not modelled",
            "line 10: `--dst-type` of match module `addrtype` is not modelled",
            "line 11: target `TPROXY` is not modelled",
            "line 12: target `CT` is not modelled",
        ]
    );
    assert_eq!(tables.save(), text);
}
