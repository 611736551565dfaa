// A value as some source gave it, before it is known what it should be: text, a list or a map. What
// YAML files, variables and flags have in common, so that settings know none of the three.
#ifndef EVENTBUS_SERVER_CONFIG_NODE_H_
#define EVENTBUS_SERVER_CONFIG_NODE_H_

#include <string>
#include <utility>
#include <vector>

namespace eventbus::settings {

struct NodeMember;

struct Node {
  enum class Kind { kNull, kText, kList, kMap };

  static Node Text(std::string text);

  Kind kind = Kind::kNull;
  std::string text;                 // kText
  std::vector<Node> items;          // kList
  std::vector<NodeMember> members;  // kMap, in the order written, repetitions included
  int line = 0;                     // From 1; 0 where there are no lines.
};

struct NodeMember {
  std::string key;
  int line = 0;
  Node value;
};

inline Node Node::Text(std::string text) {
  Node node;
  node.kind = Kind::kText;
  node.text = std::move(text);
  return node;
}

}  // namespace eventbus::settings

#endif  // EVENTBUS_SERVER_CONFIG_NODE_H_
