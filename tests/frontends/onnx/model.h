// ONNX models of a few nodes, for tests.
#pragma once

#include <string>
#include <vector>

#include <frontends/onnx/onnx.pb.h>
#include "frontends/onnx.h"
#include "frontends/onnx/write/emitter.h"
#include "graph/tensor.h"

namespace crease::test {

/// A model under construction. Dimensions are numbers, or names that are no numbers; "" is not known.
class OnnxModel {
 public:
  explicit OnnxModel(int64_t opset = 17) {
    model.set_ir_version(8);
    model.add_opset_import()->set_version(opset);
  }

  OnnxModel& input(const std::string& name, const std::vector<std::string>& dims,
                   onnx::TensorProto::DataType type = onnx::TensorProto::FLOAT) {
    describe(*model.mutable_graph()->add_input(), name, dims, type);
    return *this;
  }

  OnnxModel& output(const std::string& name) {
    model.mutable_graph()->add_output()->set_name(name);
    return *this;
  }

  OnnxModel& initializer(const std::string& name, const Tensor& tensor) {
    onnx::store(*model.mutable_graph()->add_initializer(), name, tensor);
    return *this;
  }

  /// The node just added is `node()`.
  OnnxModel& add(const std::string& op, const std::vector<std::string>& inputs,
                 const std::vector<std::string>& outputs = {"y"}) {
    onnx::NodeProto* made = model.mutable_graph()->add_node();
    made->set_op_type(op);
    for (const std::string& name : inputs) made->add_input(name);
    for (const std::string& name : outputs) made->add_output(name);
    return *this;
  }

  onnx::NodeProto& node() { return *model.mutable_graph()->mutable_node()->rbegin(); }

  OnnxModel& attribute(const std::string& name, int64_t value) {
    fresh(name)->set_i(value);
    return *this;
  }
  OnnxModel& real(const std::string& name, float value) {
    fresh(name)->set_f(value);
    return *this;
  }
  OnnxModel& attribute(const std::string& name, const std::vector<int64_t>& values) {
    onnx::AttributeProto* made = fresh(name);
    for (const int64_t value : values) made->add_ints(value);
    return *this;
  }
  OnnxModel& attribute(const std::string& name, const std::string& text) {
    fresh(name)->set_s(text);
    return *this;
  }

  std::string bytes() const { return model.SerializeAsString(); }
  Graph read(const OnnxOptions& options = {}) const { return parse_onnx(bytes(), "model.onnx", options); }

  onnx::ModelProto model;

 private:
  static void describe(onnx::ValueInfoProto& to, const std::string& name,
                       const std::vector<std::string>& dims, onnx::TensorProto::DataType type) {
    to.set_name(name);
    onnx::TypeProto::Tensor* tensor = to.mutable_type()->mutable_tensor_type();
    tensor->set_elem_type(type);
    onnx::TensorShapeProto* shape = tensor->mutable_shape();
    for (const std::string& dim : dims) {
      auto* made = shape->add_dim();
      if (!dim.empty() && std::isdigit(static_cast<unsigned char>(dim[0])) != 0)
        made->set_dim_value(std::stoll(dim));
      else if (!dim.empty())
        made->set_dim_param(dim);
    }
  }

  onnx::AttributeProto* fresh(const std::string& name) {
    onnx::AttributeProto* made = node().add_attribute();
    made->set_name(name);
    return made;
  }
};

}  // namespace crease::test
